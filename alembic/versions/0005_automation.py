"""What happens by itself when a quarter ends, and what is brought to whom."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LINKS = (("report_schedule_owner", "owner"), ("report_schedule_silent", "organisation"))
APPEND_ONLY = ("report_schedule_history", "webhook_history", *(f"{name}_history" for name, _ in LINKS))


def words(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def of_every_row() -> list[sa.Column[object]]:
    return [
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
    ]


def of_schedule() -> list[sa.Column[object]]:
    return [
        *of_every_row(),
        sa.Column("makes_drafts", sa.Boolean(), nullable=False),
        sa.Column("publishes_after_days", sa.Integer(), nullable=True),
        sa.Column("to_folder", sa.Boolean(), nullable=False),
        sa.Column("sends_reminders", sa.Boolean(), nullable=False),
    ]


def of_webhook() -> list[sa.Column[object]]:
    return [
        *of_every_row(),
        sa.Column("url", words(2000), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
    ]


def create_versioned(name: str, columns: Callable[[], list[sa.Column[object]]], *constraints: sa.Constraint) -> None:
    """Make a table of what stands in a strategy under a ref, and its history."""
    op.create_table(
        name,
        sa.Column("id", KEY, nullable=False),
        *columns(),
        *constraints,
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f(f"fk_{name}_strategy_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("strategy_id", "ref", name=op.f(f"uq_{name}_strategy_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f(f"ix_{name}_strategy_id"), name, ["strategy_id"])
    op.create_table(
        f"{name}_history",
        sa.Column("id", KEY, nullable=False),
        *columns(),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f(f"pk_{name}_history")),
    )
    for names in (["strategy_id"], ["strategy_id", "ref"]):
        op.create_index(op.f(f"ix_{name}_history_{'_'.join(names)}"), f"{name}_history", names)


def upgrade() -> None:
    after_days = sa.CheckConstraint(
        "publishes_after_days BETWEEN 1 AND 92", name=op.f("ck_report_schedule_publishes_after_days")
    )
    create_versioned("report_schedule", of_schedule, after_days)
    create_versioned("webhook", of_webhook)
    op.create_table(
        "webhook_channel",
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", words(100), nullable=False),
        sa.Column("previous_secret", words(100), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=True),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("after_position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_channel_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhook_channel")),
    )
    for name, other in LINKS:
        create_links(name, other)
    op.create_table(
        "delivery",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", words(100), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=True),
        sa.Column("report_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("webhook_id", sa.BigInteger(), nullable=True),
        sa.Column("event", words(40), nullable=True),
        sa.Column("body", words(2000), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("error", words(300), nullable=True),
        sa.CheckConstraint("kind IN ('folder', 'mail', 'reminder', 'webhook')", name=op.f("ck_delivery_kind")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_delivery_attempts")),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_delivery_strategy_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_delivery_report_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_delivery_key")),
        sqlite_autoincrement=True,
    )
    for column in ("strategy_id", "report_id", "webhook_id", "next_at"):
        op.create_index(op.f(f"ix_delivery_{column}"), "delivery", [column])
    refuse_changes()


def create_links(name: str, other: str) -> None:
    """Make a table of links from schedules to another table, and its history."""
    ends = ("report_schedule_id", f"{other}_id")
    held = [sa.Column(end, sa.BigInteger(), nullable=False) for end in ends]
    op.create_table(
        name,
        *held,
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [end], [f"{end.removesuffix('_id')}.id"], name=op.f(f"fk_{name}_{end}"), ondelete="RESTRICT"
            )
            for end in ends
        ),
        sa.PrimaryKeyConstraint(*ends, name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_{ends[1]}"), name, [ends[1]])
    op.create_table(
        f"{name}_history",
        *(sa.Column(end, sa.BigInteger(), nullable=False) for end in ends),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*ends, "from_seq", name=op.f(f"pk_{name}_history")),
    )
    op.create_index(op.f(f"ix_{name}_history_{ends[1]}"), f"{name}_history", [ends[1]])


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
    op.drop_table("delivery")
    for name, _ in reversed(LINKS):
        op.drop_table(f"{name}_history")
        op.drop_table(name)
    op.drop_table("webhook_channel")
    for name in ("webhook", "report_schedule"):
        op.drop_table(f"{name}_history")
        op.drop_table(name)
