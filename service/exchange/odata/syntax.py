"""`$filter` as a tree: a recursive-descent parser for the part of the grammar that is supported. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, TypeGuard

LONGEST_FILTER = 8_000
# Calls within calls: SQLite's reader has a stack of a hundred, of which a call takes up to five. Brackets alone cost
# it nothing, and conditions that stand side by side stay so whatever brackets are around them.
DEEPEST = 12
MOST_BRACKETS = 60
MOST_LISTED = 200
MOST_TOGETHER = 400
TOO_DEEP = f"The filter is nested deeper than {DEEPEST} levels: that is not supported."
TOKEN = re.compile(
    r"""\s*(?:
    (?P<datetime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?(?:Z|[+-]\d{2}:\d{2}))
    |(?P<date>\d{4}-\d{2}-\d{2})
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<string>'(?:[^']|'')*')
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>[(),/-])
    )""",
    re.VERBOSE,
)
COMPARISONS = ("eq", "ne")
RELATIONS = ("gt", "ge", "lt", "le", "in")
SUMS, PRODUCTS = ("add", "sub"), ("mul", "div", "divby", "mod")
WORDS = {"true": True, "false": False, "null": None}


class FilterError(ValueError):
    """What is wrong with a filter, and where; `is_unsupported` tells what the feed cannot do from what is no filter."""

    def __init__(self, detail: str, *, is_unsupported: bool = False) -> None:
        super().__init__(detail)
        self.is_unsupported = is_unsupported


@dataclass(frozen=True)
class Literal:
    """A value that stands in the filter."""

    value: Any


@dataclass(frozen=True)
class Property:
    """A property of the set."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or a function with what it is applied to: `eq`, `and`, `not`, `contains`, `in`, `negate`."""

    name: str
    arguments: "tuple[Node, ...]"

    @cached_property
    def depth(self) -> int:
        """How many calls stand one within another, this one included."""
        return 1 + max((each.depth for each in self.arguments if isinstance(each, Call)), default=0)


Node = Literal | Property | Call


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Node:
    """Return the tree of a filter.

    Raises:
        FilterError: it is none, or longer or deeper than is read.
    """
    if len(text) > LONGEST_FILTER:
        raise FilterError(f"The filter is longer than {LONGEST_FILTER} characters.")
    return _Parser(_tokens(text)).whole()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise FilterError(f"The filter cannot be read at character {at + 1}.")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def whole(self) -> Node:
        """Return the tree of all the tokens."""
        tree = self._either()
        if self._place < len(self._tokens):
            raise self._unexpected()
        return tree

    def _either(self) -> Node:
        return self._together(self._both, "or")

    def _both(self) -> Node:
        return self._together(self._equality, "and")

    def _together(self, operand: Callable[[], Node], word: str) -> Node:
        """Return conditions with one word between them, all side by side."""
        found = [operand()]
        while self._word() == word:
            self._place += 1
            found.append(operand())
        if len(found) == 1:
            return found[0]
        flat = [part for each in found for part in (each.arguments if _is_call(each, word) else (each,))]
        if len(flat) > MOST_TOGETHER:
            raise FilterError(f"At most {MOST_TOGETHER} conditions stand side by side.", is_unsupported=True)
        return _call(word, *flat)

    def _equality(self) -> Node:
        return self._chain(self._relation, COMPARISONS)

    def _relation(self) -> Node:
        left = self._sum()
        while (word := self._word()) in RELATIONS:
            self._place += 1
            right = self._list() if word == "in" else (self._sum(),)
            left = _call(str(word), left, *right)
        return left

    def _sum(self) -> Node:
        return self._chain(self._product, SUMS)

    def _product(self) -> Node:
        return self._chain(self._unary, PRODUCTS)

    def _chain(self, operand: Callable[[], Node], words: Sequence[str]) -> Node:
        """Return operands with operators of one rank between them, the left ones first."""
        left = operand()
        while (word := self._word()) in words:
            self._place += 1
            left = _call(str(word), left, operand())
        return left

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > MOST_BRACKETS:
            raise FilterError(TOO_DEEP, is_unsupported=True)
        try:
            if self._word() == "not":
                self._place += 1
                return _call("not", self._unary())
            if self._is_sign("-"):
                self._place += 1
                return _call("negate", self._unary())
            return self._primary()
        finally:
            self._depth -= 1

    def _primary(self) -> Node:
        token = self._next()
        if token.kind == "sign":
            if token.text != "(":
                raise self._unexpected(token)
            inner = self._either()
            self._expect(")")
            return inner
        if token.kind != "name":
            return Literal(_value(token))
        if token.text in WORDS:
            return Literal(WORDS[token.text])
        if self._is_sign("("):
            return self._call(token.text)
        if self._is_sign("/"):
            raise FilterError("Paths to other sets are not supported.", is_unsupported=True)
        return Property(token.text)

    def _call(self, name: str) -> Node:
        self._place += 1
        arguments: list[Node] = []
        if not self._is_sign(")"):
            arguments.append(self._either())
            while self._is_sign(","):
                self._place += 1
                arguments.append(self._either())
        self._expect(")")
        return _call(name, *arguments)

    def _list(self) -> tuple[Node, ...]:
        self._expect("(")
        values = [self._unary()]
        while self._is_sign(","):
            self._place += 1
            values.append(self._unary())
        self._expect(")")
        if len(values) > MOST_LISTED:
            raise FilterError(f"A list holds {MOST_LISTED} values at most.")
        return tuple(values)

    def _next(self) -> _Token:
        if self._place >= len(self._tokens):
            raise FilterError("The filter ends where something is still needed.")
        self._place += 1
        return self._tokens[self._place - 1]

    def _word(self) -> str | None:
        token = self._tokens[self._place] if self._place < len(self._tokens) else None
        return token.text if token is not None and token.kind == "name" else None

    def _is_sign(self, sign: str) -> bool:
        token = self._tokens[self._place] if self._place < len(self._tokens) else None
        return token is not None and token.kind == "sign" and token.text == sign

    def _expect(self, sign: str) -> None:
        if not self._is_sign(sign):
            raise self._unexpected()
        self._place += 1

    def _unexpected(self, token: _Token | None = None) -> FilterError:
        if token is None and self._place >= len(self._tokens):
            return FilterError("The filter ends where something is still needed.")
        found = token or self._tokens[self._place]
        return FilterError(f"`{found.text[:40]}` is not expected at character {found.at + 1}.")


def _call(name: str, *arguments: Node) -> Call:
    made = Call(name, arguments)
    if made.depth > DEEPEST:
        raise FilterError(TOO_DEEP, is_unsupported=True)
    return made


def _is_call(node: Node, name: str) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.name == name


def _value(token: _Token) -> Any:
    try:
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "date":
            return date.fromisoformat(token.text)
        if token.kind == "datetime":
            whole, dot, rest = token.text.partition(".")
            digits = re.match(r"\d+", rest)
            cut = f"{whole}.{digits[0][:6]}{rest[digits.end() :]}" if dot and digits else token.text
            return datetime.fromisoformat(cut)
        if token.text.isdigit():
            return int(token.text)
        return Decimal(token.text) if "e" not in token.text.lower() else float(token.text)
    except (ValueError, InvalidOperation, OverflowError):
        raise FilterError(f"`{token.text[:40]}` at character {token.at + 1} is no value.") from None
