"""How a local proportion compares with its comparator: the 95 % Wilson score interval. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import sqrt
from typing import Any

from service.core.errors import Fault
from service.plan.rules import period_faults

# The 97.5 % point of the standard normal distribution.
Z = 1.959963984540054
PER_SO_MANY = re.compile(r"\bper\s+(\d{1,3}(?:,\d{3})+|\d{1,9})\b")


class Polarity(StrEnum):
    """Which way is better."""

    HIGH_GOOD = "high_good"
    LOW_GOOD = "low_good"
    NO_JUDGEMENT = "no_judgement"


class Judgement(StrEnum):
    """How a value compares with its comparator."""

    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    SIMILAR = "similar"
    NOT_TESTABLE = "not_testable"


@dataclass(frozen=True)
class Comparison:
    """An interval in the indicator's unit (None without counts), the difference in it, and the judgement."""

    lower: float | None
    upper: float | None
    difference: float | None
    judgement: Judgement


def wilson_interval(numerator: int, denominator: int) -> tuple[float, float]:
    """Return the 95 % Wilson score interval of a proportion, from 0 to 1.

    65 of 100 gives 0.5525444 to 0.7363575. Source: E. B. Wilson, Probable inference, the law of succession, and
    statistical inference, Journal of the American Statistical Association 22 (1927).
    """
    proportion, square = numerator / denominator, Z * Z
    centre = proportion + square / (2 * denominator)
    spread = Z * sqrt(proportion * (1 - proportion) / denominator + square / (4 * denominator * denominator))
    scale = 1 + square / denominator
    lower, upper = (centre - spread) / scale, (centre + spread) / scale
    return (0.0 if numerator == 0 else max(lower, 0.0), 1.0 if numerator == denominator else min(upper, 1.0))


def find_scale(unit: str) -> int | None:
    """Return what a proportion is multiplied by to be in a unit, None where the unit is of no proportion.

    "percent" is 100, "per 1,000 residents" 1000, "proportion" 1; days and pounds are None.
    """
    words = unit.casefold()
    if "%" in words or "percent" in words or "per cent" in words:
        return 100
    found = PER_SO_MANY.search(words)
    if found:
        return int(found[1].replace(",", "")) or None
    return 1 if "proportion" in words else None


def compare(
    value: float,
    comparator: float | None,
    numerator: int | None,
    denominator: int | None,
    polarity: Polarity,
    *,
    unit: str = "percent",
) -> Comparison:
    """Compare a proportion with its comparator's, both in the same unit.

    52.6 against 37.0 per cent without counts is 15.6 points apart and not testable; 65 of 100 against 50 % is better
    where high is good, for 50 lies below 55.3 to 73.6. What is in another unit than a proportion's is not testable.
    """
    difference = None if comparator is None else float(Decimal(repr(value)) - Decimal(repr(comparator)))
    scale = find_scale(unit)
    if numerator is None or denominator is None or scale is None:
        return Comparison(None, None, difference, Judgement.NOT_TESTABLE)
    lower, upper = (scale * bound for bound in wilson_interval(numerator, denominator))
    return Comparison(lower, upper, difference, _judge(lower, upper, comparator, polarity))


def _judge(lower: float, upper: float, comparator: float | None, polarity: Polarity) -> Judgement:
    if comparator is None:
        return Judgement.NOT_TESTABLE
    if lower <= comparator <= upper:
        return Judgement.SIMILAR
    is_higher = comparator < lower
    if polarity is Polarity.NO_JUDGEMENT:
        return Judgement.HIGHER if is_higher else Judgement.LOWER
    return Judgement.BETTER if is_higher == (polarity is Polarity.HIGH_GOOD) else Judgement.WORSE


def observation_faults(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the fields of an observation."""
    yield from period_faults(values, "period_start", "period_end")
    numerator, denominator = values.get("numerator"), values.get("denominator")
    if (numerator is None) != (denominator is None):
        yield Fault("/denominator", "Give numerator and denominator, or neither.")
    elif numerator is not None and denominator is not None and numerator > denominator:
        yield Fault("/numerator", "The numerator is a part of the denominator: it cannot be larger.")
