"""`python -m tests.access.page` writes docs/access.md anew: the access matrix as a page to read."""

from pathlib import Path

from service.access.roles import Role
from tests.access.table import KNOWN_TO_ALL, TABLE, Deed, Row, expected
from tests.contract.document import operations

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
# Whose the row is that is asked about: one's own organisation's, a department's, a partner's, another strategy's; or
# there is none.
KINDS = ("own", "department", "partner", "foreign", "missing")
# What is answered about those, in short: done, not allowed (403), not there (404, or 422 in a body).
WORDS = {
    "done done done done done": "yes",
    "done done done done not-there": "yes",
    "done done done not-there not-there": "in its strategies",
    "done done done not-named not-named": "in its strategies",
    "done done done not-allowed not-named": "for its partners",
    "done done not-allowed not-there not-there": "for what it answers for",
    "not-allowed not-allowed not-allowed not-there not-there": "no",
    "not-allowed not-allowed not-allowed not-allowed not-there": "no",
    "not-allowed not-allowed not-allowed not-allowed not-allowed": "no",
    "not-there not-there not-there not-there not-there": "its own",
}
HEAD = """# Who may do what

This page is made from the table that the tests go through, operation by operation, with every role of every kind of
organisation. After a change to the table, `python -m tests.access.page` writes the page anew.

## Roles

A user holds roles, each for an organisation, and an organisation stands for its departments too. Roles add up. What a
token may do is what its user's roles let it, cut down to the token's scopes. Rights are read afresh at each request: who
is disabled, loses a role, or has a token revoked is out at the next one, in every process.

| role | may |
|---|---|
| viewer | read the strategies in which its organisation is a partner |
| contributor | also report on the milestones for which its organisation answers |
| manager | also write the plan of those strategies, and report on any milestone; for another organisation's, the report says on whose behalf |
| admin | keep organisations, users and tokens; it reads and writes no plan |

An organisation answers for a milestone when the owner of the milestone belongs to it, or where there is no owner, when
it leads the workstream. A role for a department reaches the strategies in which the whole council is a partner, and a
role for the council those of its departments; but a contributor for one department does not report for the others.

## What one sees

A strategy is the boundary. Who has no part in it is answered about anything in it as if it were not there: 404, with
the same words as for a number that nobody ever used. Lists, figures, drivers, trends, histories, the change feed, and
the ids in the fields of other rows leave it out.

Everybody sees all organisations, boards and areas. An owner is seen where its organisation is one's own or a partner
of a strategy in sight, where nobody acts for its organisation yet, or where it answers for something in sight. A
decision is seen by those who see one of its subjects; one without subjects by those who see a strategy of its board.
The rights of today decide about the past too.

What one may see but not change is refused with 403, and the answer says which role of which organisation could.

## Operation by operation

*In its strategies*: in those in which the role's organisation, one above it or a department of it is a partner; all
others are not there. *For what it answers for*: see above. *For its partners*: for organisations that are partners
there. *Its own*: only what belongs to the user, whoever that is.

*What it sees*: the list holds the rows of those strategies and no others. Administrators list, make and revoke the tokens
of all.

| operation | scope | viewer | contributor | manager | admin |
|---|---|---|---|---|---|
"""
TAIL = """
Without a token, or with one that does not hold (wrong, expired, revoked, of a disabled user), each answers 401, but
for those that are open to all.
"""


def page() -> str:
    """Return the whole page."""
    addresses = {each.name: f"`{each.method.upper()} {each.path}`" for each in operations()}
    lines = [_line(addresses[name], row) for name, row in TABLE.items()]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _line(address: str, row: Row) -> str:
    if row.deed is Deed.OPEN:
        return f"| {address} | none | open to all | open to all | open to all | open to all |"
    cells = " | ".join(_words(row, role, address) for role in Role)
    return f"| {address} | {row.scope.value if row.scope else 'any'} | {cells} |"


def _words(row: Row, role: Role, address: str) -> str:
    """Return what a role for the county council gives."""
    words = WORDS[" ".join(expected(row, role, "county", kind).replace(" ", "-") for kind in KINDS)]
    if row.deed is Deed.OWN or (row.collection == "tokens" and role is not Role.ADMIN):
        return "its own"
    is_cut = row.deed is Deed.LIST and row.collection not in KNOWN_TO_ALL and "/v1/" in address
    return "what it sees" if is_cut and words == "yes" else words


if __name__ == "__main__":
    PAGE.write_text(page())
