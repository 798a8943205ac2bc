"""Quarterly reports with their history, and the files of those that were published."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("report_history", "report_file")


def words(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def columns() -> list[sa.Column[object]]:
    return [
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", words(40), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("as_at", sa.Date(), nullable=False),
        sa.Column("status", words(40), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.Column("summary", words(10000), nullable=False),
        sa.Column("commentary", sa.JSON(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "report",
        sa.Column("id", KEY, nullable=False),
        *columns(),
        sa.CheckConstraint("status IN ('draft', 'published', 'withdrawn')", name=op.f("ck_report_status")),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_report_edition")),
        sa.CheckConstraint("(status = 'draft') = (known_at IS NULL)", name=op.f("ck_report_known_at")),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_report_strategy_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("strategy_id", "ref", name=op.f("uq_report_strategy_id_ref")),
        sa.UniqueConstraint("strategy_id", "quarter", "edition", name=op.f("uq_report_strategy_id_quarter_edition")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_report_strategy_id"), "report", ["strategy_id"])
    op.create_table(
        "report_history",
        sa.Column("id", KEY, nullable=False),
        *columns(),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_report_history")),
    )
    for names in (["strategy_id"], ["strategy_id", "ref"], ["strategy_id", "quarter", "edition"]):
        op.create_index(op.f(f"ix_report_history_{'_'.join(names)}"), "report_history", names)
    op.create_table(
        "report_file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("name", words(40), nullable=False),
        sa.Column("sha256", words(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_report_file_report_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_file")),
        sa.UniqueConstraint("report_id", "name", name=op.f("uq_report_file_report_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_report_file_report_id"), "report_file", ["report_id"])
    refuse_changes()


def refuse_changes() -> None:
    """Let the database itself refuse to change or delete what is only ever added."""
    for table in APPEND_ONLY:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
                )
            continue
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # SQLite empties a table before it drops it.
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_no_delete")
    op.drop_table("report_file")
    op.drop_table("report_history")
    op.drop_table("report")
