"""What a database is made of, in words that two databases of one engine can be compared by."""

from typing import Any

from sqlalchemy import Connection, inspect, text

Schema = dict[tuple[str, str], str]
# Alembic's own table stays, empty; SQLite keeps its table of used ids for good.
STAYS = ("alembic_version", "alembic_version_pkc", "sqlite_sequence")

ON_SQLITE = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
ON_POSTGRESQL = """
SELECT 'column', c.relname || '.' || a.attname,
    format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || ' ' || coalesce(l.collname, '') || ' '
    || a.attidentity::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
UNION ALL SELECT 'table', relname, '' FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
UNION ALL SELECT 'sequence', relname, '' FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f', 'u', 'c')
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE NOT tgisinternal
UNION ALL SELECT 'function', p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace
UNION ALL SELECT 'type', typname, typtype::text FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
"""


def schema_of(connection: Connection) -> Schema:
    """Return the tables, columns, constraints, indexes, triggers, functions and sequences, each as it is defined."""
    query = ON_SQLITE if connection.dialect.name == "sqlite" else ON_POSTGRESQL
    found = connection.execute(text(query))
    return {(kind, name): definition for kind, name, definition in found if name.split(".")[0] not in STAYS}


def triggers_of(connection: Connection) -> set[str]:
    """Return the names of the triggers."""
    return {name for kind, name in schema_of(connection) if kind == "trigger"}


def tables_of(connection: Connection) -> list[str]:
    """Return the names of the tables."""
    return [name for name in inspect(connection).get_table_names() if name not in STAYS]


def counts_of(connection: Connection) -> dict[str, int]:
    """Return how many rows each table holds, whatever tables there are."""
    return {
        name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608 A table that is there.
        for name in tables_of(connection)
    }


def reflected(connection: Connection) -> dict[str, Any]:
    """Return what the library finds of each table: its columns and all that is named, so that names can be compared."""
    look = inspect(connection)
    return {
        table: {
            "columns": {each["name"]: f"{each['type']!r} {each['nullable']}" for each in look.get_columns(table)},
            "primary key": look.get_pk_constraint(table),
            "foreign keys": _by_name(look.get_foreign_keys(table)),
            "unique": _by_name(look.get_unique_constraints(table)),
            "checks": _by_name(look.get_check_constraints(table)),
            "indexes": _by_name(look.get_indexes(table)),
        }
        for table in tables_of(connection)
    }


def _by_name(found: Any) -> dict[str | None, Any]:
    return {each["name"]: each for each in found}
