"""The access matrix: what each operation does, and so who may. The tests and `docs/access.md` are made from it.

What follows from a row is worked out in `expected`, from the words of the design and by nothing of the service.
"""

from dataclasses import dataclass
from enum import StrEnum

from service.access.roles import Role, Scope

READERS = (Role.VIEWER, Role.CONTRIBUTOR, Role.MANAGER)


class Deed(StrEnum):
    """What sort of operation it is."""

    OPEN = "open to all"
    OWN = "about oneself"
    LIST = "list"
    READ = "read"
    REPORT = "report"
    MAKE = "make"
    WRITE = "change"
    IMPORT = "import"
    SEND = "send"


@dataclass(frozen=True)
class Row:
    """One operation: what it does to which collection, with which scope of a token, and which roles may."""

    deed: Deed
    collection: str
    scope: Scope | None
    roles: tuple[Role, ...]


def open_to_all() -> Row:
    """Return the row of what takes no token."""
    return Row(Deed.OPEN, "", None, ())


def reading(deed: Deed, collection: str, roles: tuple[Role, ...] = READERS, scope: Scope = Scope.READ) -> Row:
    """Return the row of a list or of one row."""
    return Row(deed, collection, scope, roles)


def writing(deed: Deed, collection: str, role: Role = Role.MANAGER, scope: Scope = Scope.PLAN) -> Row:
    """Return the row of what makes, changes or deletes."""
    return Row(deed, collection, scope, (role,))


def of_collection(noun: str, plural: str, scope: Scope = Scope.PLAN) -> dict[str, Row]:
    """Return the rows of the six operations of a collection of the plan."""
    collection = plural.replace("_", "-")
    return {
        f"list_{plural}": reading(Deed.LIST, collection),
        f"get_{noun}": reading(Deed.READ, collection),
        f"get_{noun}_history": reading(Deed.READ, collection),
        f"create_{noun}": writing(Deed.MAKE, collection, scope=scope),
        f"change_{noun}": writing(Deed.WRITE, collection, scope=scope),
        f"delete_{noun}": writing(Deed.WRITE, collection, scope=scope),
    }


def administered(noun: str, plural: str, readers: tuple[Role, ...], scope: Scope) -> dict[str, Row]:
    """Return the rows of a collection that administrators keep."""
    return {
        f"list_{plural}": reading(Deed.LIST, plural, readers, scope),
        f"get_{noun}": reading(Deed.READ, plural, readers, scope),
        f"get_{noun}_history": reading(Deed.READ, plural, readers, scope),
        f"create_{noun}": writing(Deed.MAKE, plural, Role.ADMIN, Scope.ADMIN),
        f"change_{noun}": writing(Deed.WRITE, plural, Role.ADMIN, Scope.ADMIN),
        f"delete_{noun}": writing(Deed.WRITE, plural, Role.ADMIN, Scope.ADMIN),
    }


USERS = administered("user", "users", (Role.ADMIN,), Scope.ADMIN)
del USERS["delete_user"]
REPORTING = Row(Deed.REPORT, "milestones", Scope.UPDATE, (Role.CONTRIBUTOR, Role.MANAGER))
TABLE: dict[str, Row] = {
    "get_livez": open_to_all(),
    "get_readyz": open_to_all(),
    "get_metrics": reading(Deed.LIST, "", tuple(Role)),
    "get_me": Row(Deed.OWN, "", None, tuple(Role)),
    "get_csv_description": Row(Deed.OWN, "", None, tuple(Role)),
    **administered("organisation", "organisations", tuple(Role), Scope.READ),
    **of_collection("owner", "owners"),
    **of_collection("board", "boards"),
    **of_collection("area", "areas"),
    **of_collection("strategy", "strategies"),
    **of_collection("priority", "priorities"),
    **of_collection("workstream", "workstreams"),
    **of_collection("milestone", "milestones"),
    **of_collection("decision", "decisions"),
    **of_collection("funding_award", "funding_awards"),
    **of_collection("indicator", "indicators"),
    "list_updates": reading(Deed.LIST, "updates"),
    "get_update": reading(Deed.READ, "updates"),
    "list_milestone_updates": reading(Deed.READ, "milestones"),
    "record_update": REPORTING,
    "list_observations": reading(Deed.LIST, "observations"),
    "get_observation": reading(Deed.READ, "observations"),
    "list_indicator_observations": reading(Deed.READ, "indicators"),
    "record_observation": writing(Deed.WRITE, "indicators"),
    "get_progress": reading(Deed.READ, "strategies"),
    "get_progress_trend": reading(Deed.READ, "strategies"),
    "get_progress_changes": reading(Deed.READ, "strategies"),
    "get_priority_progress": reading(Deed.READ, "priorities"),
    "get_workstream_progress": reading(Deed.READ, "workstreams"),
    "get_strategy_workbook": reading(Deed.READ, "strategies"),
    # Whoever reports imports, and each line is done under their own rights.
    "preview_import": Row(Deed.IMPORT, "strategies", Scope.READ, (Role.CONTRIBUTOR, Role.MANAGER)),
    **{
        name: Row(Deed.IMPORT, "imports", Scope.READ, (Role.CONTRIBUTOR, Role.MANAGER))
        for name in ("get_import", "apply_import", "get_marked_import")
    },
    **of_collection("report", "reports", Scope.REPORT),
    **of_collection("report_schedule", "report_schedules", Scope.REPORT),
    "list_deliveries": reading(Deed.LIST, "deliveries"),
    "get_delivery": reading(Deed.READ, "deliveries"),
    "send_delivery": writing(Deed.SEND, "deliveries", scope=Scope.REPORT),
    **of_collection("webhook", "webhooks"),
    "make_webhook_secret": writing(Deed.SEND, "webhooks"),
    "publish_report": writing(Deed.WRITE, "reports", scope=Scope.REPORT),
    "withdraw_report": writing(Deed.WRITE, "reports", scope=Scope.REPORT),
    "get_report_file": reading(Deed.READ, "reports"),
    "verify_report": reading(Deed.READ, "reports"),
    "get_report_restatement": reading(Deed.READ, "reports"),
    "list_events": reading(Deed.LIST, "", tuple(Role)),
    **USERS,
    "list_tokens": Row(Deed.OWN, "tokens", None, tuple(Role)),
    "create_token": Row(Deed.OWN, "tokens", None, tuple(Role)),
    "get_token": Row(Deed.READ, "tokens", None, (Role.ADMIN,)),
    "revoke_token": Row(Deed.WRITE, "tokens", None, (Role.ADMIN,)),
}

# Who partakes in the first strategy: a council, and with it its departments.
PARTAKING = {"county", "health", "city"}
# For whose milestones a contributor of each organisation reports: an organisation stands for its departments.
ANSWERED = {"county": {"own", "department"}, "health": {"department"}, "city": {"partner"}, "nhs": set[str]()}
KNOWN_TO_ALL = {"organisations", "boards", "areas", "users", "tokens"}


def is_seen(collection: str, organisation: str, kind: str) -> bool:
    """Tell whether somebody of an organisation may see the row of a kind."""
    if kind == "missing":
        return False
    return collection in KNOWN_TO_ALL or (kind != "foreign" and organisation in PARTAKING)


def expected(row: Row, role: Role, organisation: str, kind: str) -> str:
    """Return what an operation answers somebody with a role for an organisation, asked about the row of a kind.

    `done` is whatever the operation answers those who may; `not allowed` is 403, `not there` 404 (or where a body names
    the row, 422).
    """
    may = role in row.roles
    if row.deed in (Deed.OWN, Deed.LIST):
        return "done" if may else "not allowed"
    if row.deed is Deed.IMPORT:
        return _importing(row, organisation, kind) if may else "not allowed"
    if row.collection == "tokens":
        return "done" if may and kind != "missing" else "not there"
    if row.deed is Deed.MAKE:
        return _making(row, organisation, kind) if may else "not allowed"
    reads = _reads(row.collection)
    if role not in reads and not may:
        return "not allowed"
    if row.deed is Deed.READ and not may:
        return "not allowed"
    if not is_seen(row.collection, organisation, kind):
        return "not there"
    if row.deed is Deed.REPORT and role is Role.CONTRIBUTOR:
        return "done" if kind in ANSWERED[organisation] else "not allowed"
    return "done" if may else "not allowed"


def _importing(row: Row, organisation: str, kind: str) -> str:
    """Return what is answered to a workbook for a strategy, or about an import: those are everybody's own."""
    if row.collection == "imports":
        return "not there"
    return "done" if is_seen("strategies", organisation, kind) else "not named"


def _making(row: Row, organisation: str, kind: str) -> str:
    """Return what is answered to a new row that names the row of a kind as where it belongs."""
    if row.collection in ("organisations", "users", "boards", "areas", "strategies"):
        return "done"
    if kind == "missing":
        return "not named"
    if row.collection == "owners":
        return "done" if kind != "foreign" and organisation in PARTAKING else "not allowed"
    return "done" if is_seen(row.collection, organisation, kind) else "not named"


def _reads(collection: str) -> tuple[Role, ...]:
    if collection == "organisations":
        return tuple(Role)
    return (Role.ADMIN,) if collection == "users" else READERS
