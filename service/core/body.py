"""Reading a JSON body strictly: what two readers could understand differently is refused."""

import json
from typing import Any, NoReturn

from service.core.errors import Fault, Malformed

LONGEST_NUMBER = 40
NOT_JSON = "The body is not JSON: {what}."


def read_json(raw: bytes) -> Any:
    """Return what a JSON body says.

    Raises:
        Malformed: it is not UTF-8 or not JSON, nests too deep, names a key twice, or holds NaN or Infinity or a
            number of more than 40 digits.
    """
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_bounded_integer,
            parse_float=_finite_number,
        )
    except UnicodeDecodeError:
        raise malformed("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise malformed("it nests too deep") from None


def malformed(what: str) -> Malformed:
    """Return the error of a body that cannot be read."""
    detail = NOT_JSON.format(what=what)
    return Malformed(detail, [Fault("", detail)])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise malformed("an object names the same key twice")
    return read


def _refuse_constant(name: str) -> NoReturn:
    raise malformed(f"{name} is not a number")


def _bounded_integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise malformed("a number is too long")
    return int(digits)


def _finite_number(digits: str) -> float | int:
    """Return a number with a fraction or an exponent; 3.0 is the whole number 3, in JSON Schema and to spreadsheets."""
    if len(digits) > LONGEST_NUMBER:
        raise malformed("a number is too long")
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise malformed("a number is too large")
    return int(number) if number.is_integer() else number
