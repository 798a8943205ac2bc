"""Entities as JSON (OASIS, OData JSON Format Version 4.0), with as much said about them as a client asks for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from service.core.history import Row
from service.exchange.cells import Kind
from service.exchange.odata.metadata import NAMESPACE, edm_type
from service.exchange.odata.model import EntitySet
from service.exchange.odata.querying import Found
from service.exchange.odata.questions import Question
from service.exchange.odata.syntax import FilterError

PAGE_ROWS, MOST_PAGE_ROWS = 1000, 5000
PAGE_PREFERENCE = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,9})\"?", re.ASCII | re.IGNORECASE)
JSON_RANGES = frozenset({"application/json", "application/*", "*/*"})
# Types that JSON has values of by itself, so that nothing needs to be said of them.
SELF_TOLD = frozenset({"Edm.String", "Edm.Boolean", "Edm.Double"})
# What is written otherwise than it is held: amounts as numbers, and both as texts where no reader may round them.
REWRITTEN, AMOUNTS = frozenset({Kind.INTEGER, Kind.AMOUNT}), frozenset({Kind.AMOUNT})
# Options that a next page does not take over: they are kept in its token, or were answered on the first page.
OF_FIRST_PAGE = frozenset({"$top", "$skip", "$count", "$skiptoken"})


class Level(StrEnum):
    """How much is said about the entities."""

    MINIMAL = "minimal"
    FULL = "full"
    NONE = "none"


@dataclass(frozen=True)
class Form:
    """The form of an answer; `is_exact` writes whole numbers and amounts as texts, which no reader rounds."""

    level: Level = Level.MINIMAL
    is_exact: bool = False

    @property
    def media_type(self) -> str:
        """The form in the words of HTTP."""
        exact = ";IEEE754Compatible=true" if self.is_exact else ""
        return f"application/json;odata.metadata={self.level.value};odata.streaming=true{exact}"


def chosen_form(accept: str | None, asked: str | None) -> Form:
    """Return the form that $format asks for, or else Accept.

    Raises:
        FilterError: it is none that this feed has.
    """
    if asked is not None:
        # `json` is short for it.
        return _form(f"application/{asked}" if asked.partition(";")[0] == "json" else asked)
    ranges = [each for each in (accept or "*/*").split(",") if each.strip()]
    for each in sorted(ranges, key=_quality, reverse=True):
        if each.partition(";")[0].strip().lower() in JSON_RANGES and _quality(each) > 0:
            return _form(each)
    raise FilterError("This feed answers in JSON: ask with Accept: application/json.", is_unsupported=True)


def _quality(media_range: str) -> float:
    for parameter in media_range.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0
    return 1


def _form(media_range: str) -> Form:
    name, *parameters = (part.strip() for part in media_range.split(";"))
    if name.lower() not in JSON_RANGES:
        raise FilterError("This feed answers in JSON: ask with $format=json.", is_unsupported=True)
    said = {
        key.strip().lower(): value.strip().lower() for key, _, value in (each.partition("=") for each in parameters)
    }
    level = said.get("odata.metadata", said.get("metadata", "minimal"))
    if level not in list(Level):
        raise FilterError("odata.metadata is minimal, full or none.")
    return Form(Level(level), said.get("ieee754compatible") == "true")


def wanted_rows(entities: EntitySet, preferences: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Return how many rows a page shall hold at most, and what to say where a client's wish was heard."""
    for preference in preferences:
        found = PAGE_PREFERENCE.search(preference)
        if found and int(found[1]):
            rows = min(int(found[1]), MOST_PAGE_ROWS)
            return rows, {"Preference-Applied": f"odata.maxpagesize={rows}"}
    # Figures are worked out anew for each page, so one page holds many.
    return PAGE_ROWS if entities.rows is not None else MOST_PAGE_ROWS, {}


class Writer:
    """Writes entities in a form, with addresses below a root."""

    def __init__(self, root: str, form: Form) -> None:
        self.root = root
        self.form = form

    def page(self, question: Question, found: Found, options: Mapping[str, str]) -> Row:
        """Return a page of a set."""
        said: Row = {} if self.form.level is Level.NONE else {"@odata.context": self._context(question)}
        if found.count is not None:
            said["@odata.count"] = str(found.count) if self.form.is_exact else found.count
        said["value"] = self._shown(question, found.rows)
        if found.token is not None:
            kept = {name: value for name, value in options.items() if name not in OF_FIRST_PAGE}
            query = urlencode({**kept, "$skiptoken": found.token}, safe="$", quote_via=quote)
            said["@odata.nextLink"] = f"{self.root}{question.entities.name}?{query}"
        return said

    def entity(self, question: Question, row: Row) -> Row:
        """Return one entity."""
        said: Row = {}
        if self.form.level is not Level.NONE:
            said["@odata.context"] = f"{self._context(question)}/$entity"
        return {**said, **self._shown(question, [row])[0]}

    def _context(self, question: Question) -> str:
        names = f"({','.join(question.names)})" if question.is_narrowed else ""
        return f"{self.root}$metadata#{question.entities.name}{names}"

    def _shown(self, question: Question, rows: list[Row]) -> list[Row]:
        """Return rows as they are shown; but for what JSON has no word for they stay as they are."""
        if self.form.level is Level.FULL:
            return [self._told(question, row) for row in rows]
        kinds = {name: question.entities.by_name[name].kind for name in question.names}
        wanted = REWRITTEN if self.form.is_exact else AMOUNTS
        rewritten = {name: kind for name, kind in kinds.items() if kind in wanted}
        for name, kind in rewritten.items():
            for row in rows:
                row[name] = self._value(kind, row[name])
        return rows

    def _told(self, question: Question, row: Row) -> Row:
        """Return a row with everything that can be said of it."""
        entities = question.entities
        said: Row = {"@odata.type": f"#{NAMESPACE}.{entities.entity}"}
        if set(entities.keys) <= row.keys():
            said["@odata.id"] = self._address(entities, row)
        for name in question.names:
            column = entities.by_name[name]
            type_ = edm_type(entities, column)
            if type_ not in SELF_TOLD and row[name] is not None:
                said[f"{name}@odata.type"] = "#" + type_.replace("Edm.", "")
            said[name] = self._value(column.kind, row[name])
        return said

    def _address(self, entities: EntitySet, row: Row) -> str:
        values = [f"{name}={_key_text(row[name])}" for name in entities.keys]
        written = _key_text(row[entities.keys[0]]) if len(values) == 1 else ",".join(values)
        return f"{self.root}{entities.name}({written})"

    def _value(self, kind: Kind, value: Any) -> Any:
        if value is None:
            return None
        if self.form.is_exact and kind in REWRITTEN:
            return str(value)
        return float(value) if isinstance(value, Decimal) else value


def _key_text(value: Any) -> str:
    return quote("'" + value.replace("'", "''") + "'") if isinstance(value, str) else str(value)
