"""Workbooks that come back are kept until they are applied, and a token can be the address of one list."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def words(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sheet_import",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", words(300), nullable=False),
        sa.Column("sha256", words(64), nullable=False),
        sa.Column("sheet", words(300), nullable=True),
        sa.Column("grids", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("marks", words(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_sheet_import_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_import")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sheet_import_user_id"), "sheet_import", ["user_id"])
    op.create_index(op.f("ix_sheet_import_created_at"), "sheet_import", ["created_at"])
    op.add_column("access_token", sa.Column("feed", words(2000), nullable=True))


def downgrade() -> None:
    # Without the column a token that was for one list would be for all: it goes.
    op.execute("DELETE FROM access_token WHERE feed IS NOT NULL")
    op.drop_column("access_token", "feed")
    op.drop_table("sheet_import")
