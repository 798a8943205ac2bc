"""Users with a history, roles as links, tokens that say what they are for, and reports on behalf of others."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HISTORIES = ("user_account_history", "user_role_history")
BEFORE = ("access_token", "user_role", "user_account")
# A user that was gone back on with has a history already.
VERSION = "coalesce((SELECT max(version) FROM change WHERE resource = 'users' AND row_id = {user}), 0) + 1"
ROLES = "role IN ('viewer', 'contributor', 'manager', 'admin')"


def words(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    set_aside()
    create_users()
    refuse_changes()
    op.execute(
        "INSERT INTO user_account (id, version, created_at, updated_at, from_seq, name, is_admin, is_active) "
        f"SELECT id, {VERSION.format(user='u.id')}, created_at, created_at, (SELECT coalesce(max(seq), 0) + 1 FROM stamp), name, "
        "EXISTS (SELECT 1 FROM old_user_role r WHERE r.user_id = u.id AND r.organisation_id IS NULL "
        "AND r.role = 'admin'), is_active FROM old_user_account u"
    )
    op.execute(
        "INSERT INTO user_role (user_id, organisation_id, role, from_seq) "
        "SELECT DISTINCT user_id, organisation_id, role, (SELECT coalesce(max(seq), 0) + 1 FROM stamp) "
        "FROM old_user_role WHERE organisation_id IS NOT NULL"
    )
    op.execute(
        "INSERT INTO access_token (id, public_id, digest, user_id, name, scopes, created_at, expires_at, revoked_at) "
        "SELECT t.id, t.public_id, t.digest, t.user_id, u.name, t.scopes, t.created_at, t.expires_at, t.revoked_at "
        "FROM old_access_token t JOIN old_user_account u ON u.id = t.user_id"
    )
    if op.get_bind().execute(sa.text("SELECT count(*) FROM user_account")).scalar_one():
        begin_their_history()
    drop_what_was_set_aside()
    count_on("user_account", "access_token")
    op.add_column("status_update", sa.Column("on_behalf_of", sa.BigInteger(), nullable=True))


def begin_their_history() -> None:
    """Let one transaction have made all the users that there are, and changed who may do what."""
    op.execute(
        "INSERT INTO change (seq, position, resource, row_id, version, action) "
        "SELECT (SELECT coalesce(max(seq), 0) + 1 FROM stamp), row_number() OVER (ORDER BY id) - 1, 'users', id, "
        "version, CASE version WHEN 1 THEN 'created' ELSE 'changed' END FROM user_account"
    )
    op.execute(
        "INSERT INTO stamp (seq, at, reason) SELECT coalesce(max(seq), 0) + 1, coalesce(max(at), 0) + 1, "
        "'Users have a history from here on' FROM stamp"
    )
    op.execute("INSERT INTO access_change (at) SELECT max(at) FROM stamp")


def set_aside() -> None:
    """Copy the tables under other names and drop them: SQLite can change a table that others refer to in no other way."""
    for table in BEFORE:
        op.execute(f"CREATE TABLE old_{table} AS SELECT * FROM {table}")
    for table in BEFORE:
        op.drop_table(table)


def drop_what_was_set_aside() -> None:
    for table in BEFORE:
        op.drop_table(f"old_{table}")


def count_on(*tables: str) -> None:
    """Let PostgreSQL go on numbering after the rows that came with their numbers; SQLite does so by itself."""
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            op.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 1), max(id) IS NOT NULL) "
                f"FROM {table}"
            )


def create_users() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("email", words(300), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_user_account_organisation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_user_account_organisation_id"), "user_account", ["organisation_id"], unique=False)

    op.create_table(
        "user_account_history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("email", words(300), nullable=True),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "from_seq", name=op.f("pk_user_account_history")),
    )
    op.create_index(op.f("ix_user_account_history_email"), "user_account_history", ["email"], unique=False)
    op.create_index(
        op.f("ix_user_account_history_organisation_id"), "user_account_history", ["organisation_id"], unique=False
    )

    op.create_table(
        "user_role",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("role", words(40), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(ROLES, name=op.f("ck_user_role_role")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_user_role_organisation_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_role_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "organisation_id", "role", name=op.f("pk_user_role")),
    )
    op.create_index(op.f("ix_user_role_organisation_id"), "user_role", ["organisation_id"], unique=False)

    op.create_table(
        "user_role_history",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("role", words(40), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "organisation_id", "role", "from_seq", name=op.f("pk_user_role_history")),
    )
    op.create_index(
        op.f("ix_user_role_history_organisation_id"), "user_role_history", ["organisation_id"], unique=False
    )

    op.create_table(
        "user_identity",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("tenant", words(300), nullable=False),
        sa.Column("object_id", words(300), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_identity_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_identity")),
        sa.UniqueConstraint("tenant", "object_id", name=op.f("uq_user_identity_tenant_object_id")),
    )
    op.create_index(op.f("ix_user_identity_user_id"), "user_identity", ["user_id"], unique=False)

    op.create_table(
        "access_token",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", words(40), nullable=False),
        sa.Column("digest", words(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", words(300), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_access_token_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("public_id", name=op.f("uq_access_token_public_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_access_token_user_id"), "access_token", ["user_id"], unique=False)


def refuse_changes() -> None:
    """Let the database itself refuse to change or delete what is only ever added."""
    for table in HISTORIES:
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
    op.execute("ALTER TABLE status_update DROP COLUMN on_behalf_of")
    op.drop_table("user_identity")
    set_aside()
    for table in HISTORIES:
        op.drop_table(table)
    create_users_as_they_were()
    op.execute(
        "INSERT INTO user_account (id, name, is_active, created_at) "
        "SELECT id, name, is_active, created_at FROM old_user_account"
    )
    op.execute(
        "INSERT INTO user_role (user_id, role, organisation_id) "
        "SELECT user_id, role, organisation_id FROM old_user_role"
    )
    op.execute("INSERT INTO user_role (user_id, role) SELECT id, 'admin' FROM old_user_account WHERE is_admin")
    op.execute(
        "INSERT INTO access_token (id, public_id, digest, user_id, scopes, created_at, expires_at, revoked_at) "
        "SELECT id, public_id, digest, user_id, scopes, created_at, expires_at, revoked_at FROM old_access_token"
    )
    drop_what_was_set_aside()
    count_on("user_account", "access_token")


def create_users_as_they_were() -> None:
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
        "user_role",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role", words(40), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(ROLES, name=op.f("ck_user_role_role")),
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
