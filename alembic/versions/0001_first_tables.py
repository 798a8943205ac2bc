"""The first tables, with the triggers that keep what is only ever added."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = (
    "access_change",
    "area_history",
    "board_history",
    "change",
    "decision_history",
    "decision_priority_history",
    "decision_workstream_history",
    "funding_award_history",
    "indicator_history",
    "indicator_priority_history",
    "milestone_history",
    "observation",
    "organisation_history",
    "owner_history",
    "priority_history",
    "stamp",
    "status_update",
    "strategy_board_history",
    "strategy_history",
    "strategy_organisation_history",
    "workstream_area_history",
    "workstream_history",
    "workstream_partner_history",
    "workstream_priority_history",
)


def words(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "access_change",
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_access_change")),
    )

    op.create_table(
        "area",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["area.id"], name=op.f("fk_area_parent_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("ref", name=op.f("uq_area_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_area_parent_id"), "area", ["parent_id"], unique=False)

    op.create_table(
        "area_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_area_history")),
    )
    op.create_index(op.f("ix_area_history_parent_id"), "area_history", ["parent_id"], unique=False)
    op.create_index(op.f("ix_area_history_ref"), "area_history", ["ref"], unique=False)

    op.create_table(
        "board",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["board.id"], name=op.f("fk_board_parent_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board")),
        sa.UniqueConstraint("ref", name=op.f("uq_board_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_board_parent_id"), "board", ["parent_id"], unique=False)

    op.create_table(
        "board_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_board_history")),
    )
    op.create_index(op.f("ix_board_history_parent_id"), "board_history", ["parent_id"], unique=False)
    op.create_index(op.f("ix_board_history_ref"), "board_history", ["ref"], unique=False)

    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("resource", sa.String(length=40), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("seq", "position", name=op.f("pk_change")),
    )
    op.create_index("ix_change_resource_row_id", "change", ["resource", "row_id"], unique=False)

    op.create_table(
        "decision_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("precision", words(40), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("text", words(10000), nullable=False),
        sa.Column("outcome", words(40), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_decision_history")),
    )
    op.create_index(op.f("ix_decision_history_board_id"), "decision_history", ["board_id"], unique=False)
    op.create_index(op.f("ix_decision_history_board_id_ref"), "decision_history", ["board_id", "ref"], unique=False)

    op.create_table(
        "decision_priority_history",
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "priority_id", "from_seq", name=op.f("pk_decision_priority_history")),
    )
    op.create_index(
        op.f("ix_decision_priority_history_priority_id"), "decision_priority_history", ["priority_id"], unique=False
    )

    op.create_table(
        "decision_workstream_history",
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "decision_id", "workstream_id", "from_seq", name=op.f("pk_decision_workstream_history")
        ),
    )
    op.create_index(
        op.f("ix_decision_workstream_history_workstream_id"),
        "decision_workstream_history",
        ["workstream_id"],
        unique=False,
    )

    op.create_table(
        "funding_award_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("funder_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("status", words(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_funding_award_history")),
    )
    op.create_index(op.f("ix_funding_award_history_funder_id"), "funding_award_history", ["funder_id"], unique=False)
    op.create_index(
        op.f("ix_funding_award_history_workstream_id"), "funding_award_history", ["workstream_id"], unique=False
    )
    op.create_index(
        op.f("ix_funding_award_history_workstream_id_ref"),
        "funding_award_history",
        ["workstream_id", "ref"],
        unique=False,
    )

    op.create_table(
        "indicator_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=True),
        sa.Column("title", words(300), nullable=False),
        sa.Column("unit", words(300), nullable=False),
        sa.Column("polarity", words(40), nullable=False),
        sa.Column("comparator", words(300), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_indicator_history")),
    )
    op.create_index(op.f("ix_indicator_history_strategy_id"), "indicator_history", ["strategy_id"], unique=False)
    op.create_index(
        op.f("ix_indicator_history_strategy_id_ref"), "indicator_history", ["strategy_id", "ref"], unique=False
    )
    op.create_index(op.f("ix_indicator_history_workstream_id"), "indicator_history", ["workstream_id"], unique=False)

    op.create_table(
        "indicator_priority_history",
        sa.Column("indicator_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("indicator_id", "priority_id", "from_seq", name=op.f("pk_indicator_priority_history")),
    )
    op.create_index(
        op.f("ix_indicator_priority_history_priority_id"), "indicator_priority_history", ["priority_id"], unique=False
    )

    op.create_table(
        "kept_answer",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answer")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_kept_answer_user_id_key")),
    )
    op.create_index("ix_kept_answer_created_at", "kept_answer", ["created_at"], unique=False)

    op.create_table(
        "milestone_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("description", words(10000), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_precision", words(40), nullable=False),
        sa.Column("baseline_due_on", sa.Date(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_milestone_history")),
    )
    op.create_index(op.f("ix_milestone_history_owner_id"), "milestone_history", ["owner_id"], unique=False)
    op.create_index(
        op.f("ix_milestone_history_strategy_id_ref"), "milestone_history", ["strategy_id", "ref"], unique=False
    )
    op.create_index(op.f("ix_milestone_history_workstream_id"), "milestone_history", ["workstream_id"], unique=False)
    op.create_index(
        op.f("ix_milestone_history_strategy_id_id"), "milestone_history", ["strategy_id", "id"], unique=False
    )

    op.create_table(
        "observation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("indicator_id", sa.BigInteger(), nullable=False),
        sa.Column("category", words(300), nullable=True),
        sa.Column("area_id", sa.BigInteger(), nullable=True),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("period_end", sa.Date(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(precision=53), nullable=False),
        sa.Column("numerator", sa.BigInteger(), nullable=True),
        sa.Column("denominator", sa.BigInteger(), nullable=True),
        sa.Column("comparator_value", sa.Float(precision=53), nullable=True),
        sa.Column("commentary", words(10000), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "numerator >= 0 AND denominator > 0 AND numerator <= denominator", name=op.f("ck_observation_counts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_observation_indicator_id"), "observation", ["indicator_id"], unique=False)
    op.create_index(op.f("ix_observation_seq"), "observation", ["seq"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('council', 'department', 'police_and_crime_commissioner', 'police', 'fire_and_rescue', 'nhs', 'probation', 'provider', 'voluntary_sector', 'central_government', 'other')",
            name=op.f("ck_organisation_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["organisation.id"], name=op.f("fk_organisation_parent_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("ref", name=op.f("uq_organisation_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_organisation_parent_id"), "organisation", ["parent_id"], unique=False)

    op.create_table(
        "organisation_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_organisation_history")),
    )
    op.create_index(op.f("ix_organisation_history_parent_id"), "organisation_history", ["parent_id"], unique=False)
    op.create_index(op.f("ix_organisation_history_ref"), "organisation_history", ["ref"], unique=False)

    op.create_table(
        "owner_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("post", words(300), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("holder_name", words(300), nullable=True),
        sa.Column("email", words(300), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_owner_history")),
    )
    op.create_index(op.f("ix_owner_history_organisation_id"), "owner_history", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_owner_history_ref"), "owner_history", ["ref"], unique=False)

    op.create_table(
        "priority_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("description", words(10000), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_priority_history")),
    )
    op.create_index(op.f("ix_priority_history_strategy_id"), "priority_history", ["strategy_id"], unique=False)
    op.create_index(
        op.f("ix_priority_history_strategy_id_ref"), "priority_history", ["strategy_id", "ref"], unique=False
    )

    op.create_table(
        "stamp",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", words(1000), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_stamp")),
        sa.UniqueConstraint("at", name=op.f("uq_stamp_at")),
    )
    op.create_table(
        "status_update",
        sa.Column("id", KEY, nullable=False),
        sa.Column("milestone_id", sa.BigInteger(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("status", words(40), nullable=False),
        sa.Column("percent_complete", sa.Integer(), nullable=False),
        sa.Column("forecast_on", sa.Date(), nullable=True),
        sa.Column("confidence", words(40), nullable=True),
        sa.Column("narrative", words(10000), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("confidence IN ('red', 'amber', 'green')", name=op.f("ck_status_update_confidence")),
        sa.CheckConstraint(
            "status IN ('proposed', 'not_started', 'in_progress', 'on_hold', 'complete', 'cancelled')",
            name=op.f("ck_status_update_status"),
        ),
        sa.CheckConstraint("percent_complete BETWEEN 0 AND 100", name=op.f("ck_status_update_percent_complete")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_update")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_status_update_latest", "status_update", ["milestone_id", "effective_on", "seq", "id"], unique=False
    )
    op.create_index(op.f("ix_status_update_seq"), "status_update", ["seq"], unique=False)

    op.create_table(
        "strategy",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strategy")),
        sa.UniqueConstraint("ref", name=op.f("uq_strategy_ref")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "strategy_board_history",
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("strategy_id", "board_id", "from_seq", name=op.f("pk_strategy_board_history")),
    )
    op.create_index(op.f("ix_strategy_board_history_board_id"), "strategy_board_history", ["board_id"], unique=False)

    op.create_table(
        "strategy_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_strategy_history")),
    )
    op.create_index(op.f("ix_strategy_history_ref"), "strategy_history", ["ref"], unique=False)

    op.create_table(
        "strategy_organisation_history",
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "strategy_id", "organisation_id", "from_seq", name=op.f("pk_strategy_organisation_history")
        ),
    )
    op.create_index(
        op.f("ix_strategy_organisation_history_organisation_id"),
        "strategy_organisation_history",
        ["organisation_id"],
        unique=False,
    )

    op.create_table(
        "user_account",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "workstream_area_history",
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workstream_id", "area_id", "from_seq", name=op.f("pk_workstream_area_history")),
    )
    op.create_index(op.f("ix_workstream_area_history_area_id"), "workstream_area_history", ["area_id"], unique=False)

    op.create_table(
        "workstream_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("description", words(10000), nullable=False),
        sa.Column("heading", words(300), nullable=False),
        sa.Column("status", words(40), nullable=False),
        sa.Column("lead_organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_workstream_history")),
    )
    op.create_index(
        op.f("ix_workstream_history_lead_organisation_id"), "workstream_history", ["lead_organisation_id"], unique=False
    )
    op.create_index(op.f("ix_workstream_history_owner_id"), "workstream_history", ["owner_id"], unique=False)
    op.create_index(op.f("ix_workstream_history_strategy_id"), "workstream_history", ["strategy_id"], unique=False)
    op.create_index(
        op.f("ix_workstream_history_strategy_id_id"), "workstream_history", ["strategy_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_workstream_history_strategy_id_ref"), "workstream_history", ["strategy_id", "ref"], unique=False
    )

    op.create_table(
        "workstream_partner_history",
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("role", words(40), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workstream_id", "organisation_id", "role", "from_seq", name=op.f("pk_workstream_partner_history")
        ),
    )
    op.create_index(
        op.f("ix_workstream_partner_history_organisation_id"),
        "workstream_partner_history",
        ["organisation_id"],
        unique=False,
    )

    op.create_table(
        "workstream_priority_history",
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "workstream_id", "priority_id", "from_seq", name=op.f("pk_workstream_priority_history")
        ),
    )
    op.create_index(
        op.f("ix_workstream_priority_history_priority_id"), "workstream_priority_history", ["priority_id"], unique=False
    )

    op.create_table(
        "access_token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", words(40), nullable=False),
        sa.Column("digest", words(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_access_token_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("public_id", name=op.f("uq_access_token_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_access_token_user_id"), "access_token", ["user_id"], unique=False)

    op.create_table(
        "decision",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("precision", words(40), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("text", words(10000), nullable=False),
        sa.Column("outcome", words(40), nullable=False),
        sa.CheckConstraint(
            "kind IN ('endorse', 'approve', 'note', 'receive', 'request', 'support')", name=op.f("ck_decision_kind")
        ),
        sa.CheckConstraint(
            "outcome IN ('pending', 'agreed', 'deferred', 'rejected')", name=op.f("ck_decision_outcome")
        ),
        sa.CheckConstraint("precision IN ('day', 'month', 'quarter', 'year')", name=op.f("ck_decision_precision")),
        sa.ForeignKeyConstraint(["board_id"], ["board.id"], name=op.f("fk_decision_board_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("board_id", "ref", name=op.f("uq_decision_board_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_decision_board_id"), "decision", ["board_id"], unique=False)

    op.create_table(
        "owner",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("post", words(300), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("holder_name", words(300), nullable=True),
        sa.Column("email", words(300), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_owner_organisation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
        sa.UniqueConstraint("ref", name=op.f("uq_owner_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_owner_organisation_id"), "owner", ["organisation_id"], unique=False)

    op.create_table(
        "priority",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("description", words(10000), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_priority_strategy_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_priority")),
        sa.UniqueConstraint("strategy_id", "ref", name=op.f("uq_priority_strategy_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_priority_strategy_id"), "priority", ["strategy_id"], unique=False)

    op.create_table(
        "strategy_board",
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("board_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["board_id"], ["board.id"], name=op.f("fk_strategy_board_board_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_strategy_board_strategy_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("strategy_id", "board_id", name=op.f("pk_strategy_board")),
    )
    op.create_index(op.f("ix_strategy_board_board_id"), "strategy_board", ["board_id"], unique=False)

    op.create_table(
        "strategy_organisation",
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_strategy_organisation_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_strategy_organisation_strategy_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("strategy_id", "organisation_id", name=op.f("pk_strategy_organisation")),
    )
    op.create_index(
        op.f("ix_strategy_organisation_organisation_id"), "strategy_organisation", ["organisation_id"], unique=False
    )

    op.create_table(
        "user_role",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", words(40), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'contributor', 'manager', 'admin')", name=op.f("ck_user_role_role")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_user_role_organisation_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_role_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_role")),
        sa.UniqueConstraint(
            "user_id", "role", "organisation_id", name=op.f("uq_user_role_user_id_role_organisation_id")
        ),
    )
    op.create_index(op.f("ix_user_role_organisation_id"), "user_role", ["organisation_id"], unique=False)

    op.create_table(
        "decision_priority",
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_decision_priority_decision_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["priority_id"], ["priority.id"], name=op.f("fk_decision_priority_priority_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("decision_id", "priority_id", name=op.f("pk_decision_priority")),
    )
    op.create_index(op.f("ix_decision_priority_priority_id"), "decision_priority", ["priority_id"], unique=False)

    op.create_table(
        "workstream",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("description", words(10000), nullable=False),
        sa.Column("heading", words(300), nullable=False),
        sa.Column("status", words(40), nullable=False),
        sa.Column("lead_organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "status IN ('proposed', 'active', 'on_hold', 'complete', 'cancelled')", name=op.f("ck_workstream_status")
        ),
        sa.ForeignKeyConstraint(
            ["lead_organisation_id"],
            ["organisation.id"],
            name=op.f("fk_workstream_lead_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"], name=op.f("fk_workstream_owner_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_workstream_strategy_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workstream")),
        sa.UniqueConstraint("strategy_id", "id", name=op.f("uq_workstream_strategy_id_id")),
        sa.UniqueConstraint("strategy_id", "ref", name=op.f("uq_workstream_strategy_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_workstream_lead_organisation_id"), "workstream", ["lead_organisation_id"], unique=False)
    op.create_index(op.f("ix_workstream_owner_id"), "workstream", ["owner_id"], unique=False)
    op.create_index(op.f("ix_workstream_strategy_id"), "workstream", ["strategy_id"], unique=False)

    op.create_table(
        "decision_workstream",
        sa.Column("decision_id", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_decision_workstream_decision_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workstream_id"], ["workstream.id"], name=op.f("fk_decision_workstream_workstream_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("decision_id", "workstream_id", name=op.f("pk_decision_workstream")),
    )
    op.create_index(
        op.f("ix_decision_workstream_workstream_id"), "decision_workstream", ["workstream_id"], unique=False
    )

    op.create_table(
        "funding_award",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("funder_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("status", words(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "status IN ('bid', 'approved', 'received', 'declined')", name=op.f("ck_funding_award_status")
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_funding_award_amount")),
        sa.ForeignKeyConstraint(
            ["funder_id"], ["organisation.id"], name=op.f("fk_funding_award_funder_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workstream_id"], ["workstream.id"], name=op.f("fk_funding_award_workstream_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funding_award")),
        sa.UniqueConstraint("workstream_id", "ref", name=op.f("uq_funding_award_workstream_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_funding_award_funder_id"), "funding_award", ["funder_id"], unique=False)
    op.create_index(op.f("ix_funding_award_workstream_id"), "funding_award", ["workstream_id"], unique=False)

    op.create_table(
        "indicator",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=True),
        sa.Column("title", words(300), nullable=False),
        sa.Column("unit", words(300), nullable=False),
        sa.Column("polarity", words(40), nullable=False),
        sa.Column("comparator", words(300), nullable=True),
        sa.CheckConstraint("polarity IN ('high_good', 'low_good', 'no_judgement')", name=op.f("ck_indicator_polarity")),
        sa.ForeignKeyConstraint(
            ["strategy_id"], ["strategy.id"], name=op.f("fk_indicator_strategy_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workstream_id"], ["workstream.id"], name=op.f("fk_indicator_workstream_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
        sa.UniqueConstraint("strategy_id", "ref", name=op.f("uq_indicator_strategy_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_indicator_strategy_id"), "indicator", ["strategy_id"], unique=False)
    op.create_index(op.f("ix_indicator_workstream_id"), "indicator", ["workstream_id"], unique=False)

    op.create_table(
        "milestone",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", words(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", words(40), nullable=False),
        sa.Column("title", words(300), nullable=False),
        sa.Column("description", words(10000), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_precision", words(40), nullable=False),
        sa.Column("baseline_due_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "due_precision IN ('day', 'month', 'quarter', 'year')", name=op.f("ck_milestone_due_precision")
        ),
        sa.CheckConstraint("kind IN ('milestone', 'deliverable', 'action')", name=op.f("ck_milestone_kind")),
        sa.CheckConstraint("weight BETWEEN 1 AND 1000", name=op.f("ck_milestone_weight")),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"], name=op.f("fk_milestone_owner_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["strategy_id", "workstream_id"],
            ["workstream.strategy_id", "workstream.id"],
            name=op.f("fk_milestone_strategy_id_workstream_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("strategy_id", "ref", name=op.f("uq_milestone_strategy_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_milestone_owner_id"), "milestone", ["owner_id"], unique=False)
    op.create_index(op.f("ix_milestone_workstream_id"), "milestone", ["workstream_id"], unique=False)
    op.create_index(op.f("ix_milestone_strategy_id_id"), "milestone", ["strategy_id", "id"], unique=False)

    op.create_table(
        "workstream_area",
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("area_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_workstream_area_area_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["workstream_id"], ["workstream.id"], name=op.f("fk_workstream_area_workstream_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("workstream_id", "area_id", name=op.f("pk_workstream_area")),
    )
    op.create_index(op.f("ix_workstream_area_area_id"), "workstream_area", ["area_id"], unique=False)

    op.create_table(
        "workstream_partner",
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("role", words(40), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "role IN ('lead', 'contributor', 'commissioner', 'provider', 'funder')",
            name=op.f("ck_workstream_partner_role"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name=op.f("fk_workstream_partner_organisation_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["workstream_id"], ["workstream.id"], name=op.f("fk_workstream_partner_workstream_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("workstream_id", "organisation_id", "role", name=op.f("pk_workstream_partner")),
    )
    op.create_index(
        op.f("ix_workstream_partner_organisation_id"), "workstream_partner", ["organisation_id"], unique=False
    )

    op.create_table(
        "workstream_priority",
        sa.Column("workstream_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["priority_id"], ["priority.id"], name=op.f("fk_workstream_priority_priority_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workstream_id"], ["workstream.id"], name=op.f("fk_workstream_priority_workstream_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("workstream_id", "priority_id", name=op.f("pk_workstream_priority")),
    )
    op.create_index(op.f("ix_workstream_priority_priority_id"), "workstream_priority", ["priority_id"], unique=False)

    op.create_table(
        "indicator_priority",
        sa.Column("indicator_id", sa.BigInteger(), nullable=False),
        sa.Column("priority_id", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name=op.f("fk_indicator_priority_indicator_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["priority_id"], ["priority.id"], name=op.f("fk_indicator_priority_priority_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("indicator_id", "priority_id", name=op.f("pk_indicator_priority")),
    )
    op.create_index(op.f("ix_indicator_priority_priority_id"), "indicator_priority", ["priority_id"], unique=False)

    refuse_changes()


def refuse_changes() -> None:
    """Let the database itself refuse to change or delete what is only ever added."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    # SQLite empties a table before it drops it, and RESTRICT refuses a parent whose children are still there.
    for table in ("area", "board", "organisation"):
        op.execute(f"UPDATE {table} SET parent_id = NULL")

    op.drop_table("indicator_priority")

    op.drop_table("workstream_priority")

    op.drop_table("workstream_partner")

    op.drop_table("workstream_area")

    op.drop_table("milestone")

    op.drop_table("indicator")

    op.drop_table("funding_award")

    op.drop_table("decision_workstream")

    op.drop_table("workstream")

    op.drop_table("decision_priority")

    op.drop_table("user_role")

    op.drop_table("strategy_organisation")

    op.drop_table("strategy_board")

    op.drop_table("priority")

    op.drop_table("owner")

    op.drop_table("decision")

    op.drop_table("access_token")

    op.drop_table("workstream_priority_history")

    op.drop_table("workstream_partner_history")

    op.drop_table("workstream_history")

    op.drop_table("workstream_area_history")
    op.drop_table("user_account")

    op.drop_table("strategy_organisation_history")

    op.drop_table("strategy_history")

    op.drop_table("strategy_board_history")
    op.drop_table("strategy")

    op.drop_table("status_update")
    op.drop_table("stamp")

    op.drop_table("priority_history")

    op.drop_table("owner_history")

    op.drop_table("organisation_history")

    op.drop_table("organisation")

    op.drop_table("observation")

    op.drop_table("milestone_history")

    op.drop_table("kept_answer")

    op.drop_table("indicator_priority_history")

    op.drop_table("indicator_history")

    op.drop_table("funding_award_history")

    op.drop_table("decision_workstream_history")

    op.drop_table("decision_priority_history")

    op.drop_table("decision_history")

    op.drop_table("change")

    op.drop_table("board_history")

    op.drop_table("board")

    op.drop_table("area_history")

    op.drop_table("area")

    op.drop_table("access_change")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
