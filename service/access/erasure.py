"""Erasing a person: their names and addresses go from every row and every version; all else stays as it was.

What a person did stays, under a number that no longer tells who it was. Every row keeps its versions, instants and
figures. Marks on the columns (`service.core.columns`) say where names and addresses are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, String, Table, delete, func, or_, select, update

from service.access.models import access_token, user_account, user_identity, user_role
from service.access.service import is_last_administrator, note_access_change
from service.core.columns import PERSONAL
from service.core.errors import Conflict, NotFound
from service.core.fields import LARGEST_ID, NUMERAL_PATTERN
from service.core.history import TWINS, Recorder, Row, metadata
from service.core.idempotency import kept_answer
from service.core.rewriting import rewriting

REASON = "Personal data erased"
ERASED_TOKEN = "Erased"  # noqa: S105 It is a name.


@dataclass(frozen=True)
class Person:
    """Somebody by all the names and addresses that they were ever known by here; `user_id` where they are a user."""

    user_id: int | None
    names: frozenset[str]
    emails: frozenset[str]


@dataclass(frozen=True)
class Mention:
    """Where a name or an address stands in a text that somebody wrote, which nobody but a person can judge."""

    table: str
    column: str
    rows: int


@dataclass
class Traces:
    """Where a person's data stands: rows by table and id, and `from_seq` of past versions, with what to put there."""

    person: Person
    current: list[tuple[Table, int, Row]] = field(default_factory=list)
    past: list[tuple[Table, int, int, Row]] = field(default_factory=list)
    tokens: int = 0
    identities: int = 0
    mentions: list[Mention] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.current or self.past or self.tokens or self.identities)


def find_person(connection: Connection, who: str) -> Person:
    """Return the person with a user number or an e-mail address, of a user or of a post alone.

    Raises:
        NotFound: nobody here has that number or address.
        Conflict: several users had that address, one after the other.
    """
    if NUMERAL_PATTERN.fullmatch(who):
        return _user(connection, int(who))
    wanted, users = fold(who), set()
    for table in (user_account, TWINS[user_account.name]):
        rows = connection.execute(select(table.c.id, table.c.email).where(table.c.email.is_not(None)))
        users |= {row.id for row in rows if fold(row.email) == wanted}
    if len(users) > 1:
        numbers = ", ".join(map(str, sorted(users)))
        raise Conflict(f"The users {numbers} have had this address: erase each by number.")
    if users:
        return _user(connection, users.pop())
    person = Person(None, _names_beside(connection, {wanted}), frozenset({wanted}))
    if not find_traces(connection, person):
        raise NotFound(f"Nobody here has the number or e-mail address {who}.")
    return person


def _names_beside(connection: Connection, emails: set[str]) -> frozenset[str]:
    """Return the names that ever stood beside one of some addresses."""
    found = set()
    for table in _tables_of_people():
        name, email = _columns(table)
        for rows in (table, TWINS[table.name]):
            for row in connection.execute(select(rows.c[name], rows.c[email])):
                if row[0] and row[1] and fold(row[1]) in emails:
                    found.add(fold(row[0]))
    return frozenset(found)


def _user(connection: Connection, user_id: int) -> Person:
    if user_id > LARGEST_ID:
        raise NotFound(f"There is no user {user_id}.")
    names: frozenset[str] = frozenset()
    emails: set[str] = set()
    is_there = False
    for table in (user_account, TWINS[user_account.name]):
        for row in connection.execute(select(table.c.name, table.c.email).where(table.c.id == user_id)):
            is_there = True
            names |= {fold(row.name)} - {fold(_nobody(user_id))}
            emails |= {fold(row.email)} if row.email else set()
    if not is_there:
        raise NotFound(f"There is no user {user_id}.")
    return Person(user_id, names | _names_beside(connection, emails), frozenset(emails))


def fold(text: str) -> str:
    """Return a name or an address in the form in which two are compared."""
    return " ".join(text.casefold().split())


def _nobody(user_id: int) -> str:
    """Return the name that stands in the place of an erased one; names are never empty."""
    return f"Erased user {user_id}"


def find_traces(connection: Connection, person: Person) -> Traces:
    """Return where a person's data stands.

    A row other than the user's own is theirs where it has their address, or their name. A namesake who is a user
    with another address is somebody else.
    """
    traces = Traces(person)
    others = _addresses_of_others(connection, person)
    for table in _tables_of_people():
        for is_past in (False, True):
            rows = TWINS[table.name] if is_past else table
            for row in connection.execute(select(rows)).mappings():
                emptied = _emptied(table, dict(row), person, others)
                if emptied and is_past:
                    traces.past.append((table, row["id"], row["from_seq"], emptied))
                elif emptied:
                    traces.current.append((table, row["id"], emptied))
    traces.tokens = _count(connection, access_token, person, access_token.c.name != ERASED_TOKEN)
    traces.identities = _count(connection, user_identity, person)
    traces.mentions = list(_mentions(connection, person))
    return traces


def _tables_of_people() -> list[Table]:
    """Return the versioned tables with a name and an address of a person in each row."""
    marked = {table.name for table in metadata.tables.values() for column in table.columns if PERSONAL in column.info}
    return [table for table in metadata.sorted_tables if table.name in TWINS and table.name in marked]


def _columns(table: Table) -> tuple[str, str]:
    """Return the columns of the name and of the address."""
    found = {column.info[PERSONAL]: column.name for column in table.columns if PERSONAL in column.info}
    return found["name"], found["email"]


def _emptied(table: Table, row: Row, person: Person, others: set[str]) -> Row:
    """Return what the columns of a row that tell of a person must hold instead; nothing where it is not of them."""
    name_column, email_column = _columns(table)
    name, email = (row[column] and fold(row[column]) for column in (name_column, email_column))
    if table is user_account:
        if row["id"] != person.user_id:
            return {}
        wanted = {name_column: _nobody(row["id"]), email_column: None}
    elif email in person.emails:
        wanted = {name_column: None, email_column: None}
    elif name in person.names and email not in others:
        wanted = {name_column: None}
    else:
        return {}
    return wanted if any(row[key] != value for key, value in wanted.items()) else {}


def _addresses_of_others(connection: Connection, person: Person) -> set[str]:
    rows = connection.execute(select(user_account.c.id, user_account.c.email).where(user_account.c.email.is_not(None)))
    return {fold(row.email) for row in rows if row.id != person.user_id} - person.emails


def _count(connection: Connection, table: Table, person: Person, *conditions: Any) -> int:
    rows = select(func.count()).select_from(table).where(table.c.user_id == person.user_id, *conditions)
    return int(connection.execute(rows).scalar_one())


def _mentions(connection: Connection, person: Person) -> Iterator[Mention]:
    """Yield where written text holds one of the names or addresses."""
    wanted = sorted(person.names | person.emails)
    for table in metadata.sorted_tables:
        for column in table.columns:
            if not wanted or not isinstance(column.type, String) or PERSONAL in column.info:
                continue
            holds = or_(*(func.lower(column).contains(each, autoescape=True) for each in wanted))
            rows = connection.execute(select(func.count()).select_from(table).where(holds)).scalar_one()
            if rows and table is not access_token:
                yield Mention(table.name, column.name, rows)


def erase(recorder: Recorder, traces: Traces) -> None:
    """Erase what was found of a person: a new version without it of each row, and none of it in those before.

    Raises:
        Conflict: the person is the last administrator.
    """
    connection, user_id = recorder.connection, traces.person.user_id
    if user_id is not None and is_last_administrator(connection, user_id):
        raise Conflict("This is the last administrator: make another one first.")
    recorder.reason = REASON
    for table, row_id, emptied in traces.current:
        more = {"is_active": False, "is_admin": False, "organisation_id": None} if table is user_account else {}
        recorder.alter(table, row_id, {**emptied, **more})
    if user_id is not None:
        _end_access(recorder, user_id)
    # It stamps the transaction even where only past versions are emptied, and so ends what servers keep in memory.
    note_access_change(recorder)
    _forget_answers(connection, traces)
    # The versions that the changes above have just made past ones are among them.
    with rewriting(connection, [TWINS[table.name] for table in _tables_of_people()]):
        for table, row_id, from_seq, emptied in find_traces(connection, traces.person).past:
            twin = TWINS[table.name]
            this = (twin.c.id == row_id, twin.c.from_seq == from_seq)
            connection.execute(update(twin).where(*this).values(emptied))


def _end_access(recorder: Recorder, user_id: int) -> None:
    connection = recorder.connection
    recorder.link(user_role, {"user_id": user_id}, [])
    connection.execute(delete(user_identity).where(user_identity.c.user_id == user_id))
    held = access_token.c.user_id == user_id
    connection.execute(update(access_token).where(held).values(name=ERASED_TOKEN))
    still = access_token.c.revoked_at.is_(None)
    connection.execute(update(access_token).where(held, still).values(revoked_at=recorder.at))


def _forget_answers(connection: Connection, traces: Traces) -> None:
    """Drop the answers, kept for whoever sends a request again, that show rows of the person."""
    rows = {(table, row_id) for table, row_id, _ in traces.current}
    rows |= {(table, row_id) for table, row_id, _, _ in traces.past}
    places = [f"/v1/{table.info['resource']}/{row_id}" for table, row_id in rows]
    connection.execute(delete(kept_answer).where(kept_answer.c.location.in_(places)))
    if traces.person.user_id is not None:
        connection.execute(delete(kept_answer).where(kept_answer.c.user_id == traces.person.user_id))


def lines_of(traces: Traces) -> Iterator[str]:
    """Yield what was found of a person, in words, a line each."""
    for table, row_id, emptied in traces.current:
        yield f"{table.info['resource']} {row_id}: {', '.join(emptied)}"
    if traces.past:
        yield f"past versions: {len(traces.past)}"
    if traces.tokens:
        yield f"tokens to revoke: {traces.tokens}"
    if traces.identities:
        yield f"accounts with an issuer: {traces.identities}"
    for mention in traces.mentions:
        yield f"not erased, in text that somebody wrote: {mention.table}.{mention.column}, in {mention.rows} rows"


def tables_with_traces() -> list[str]:
    """Return the names of the tables in which anything is erased."""
    people = _tables_of_people()
    twins = [TWINS[table.name] for table in people]
    return sorted(table.name for table in (*people, *twins, user_identity, access_token, kept_answer))
