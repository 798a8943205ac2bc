"""The work itself: workstreams with their milestones and measures, what to note of them, and money. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

from service.reporting.blocks import Block, Bullets, Heading, Paragraph, Table
from service.reporting.glance import figure_words
from service.reporting.rules import JUDGEMENT_WORDS, OTHER_WORK, RAG_WORDS, STATUS_WORDS, Content, in_words, joined
from service.reporting.wording import MOST_ROWS, NOTHING, cut, due, measure, period, rest, texts

# Over all workstreams together, and of each at least.
MOST_LISTED, FEWEST_ROWS = 400, 3
# What a board should see first.
NEED = {"red": 0, "amber": 1}
ROLE_WORDS = {
    "lead": "also leading",
    "contributor": "contributor",
    "commissioner": "commissioner",
    "provider": "provider",
    "funder": "funder",
}
LIST_WORDS = {
    "completed": ("Completed in the quarter", "Nothing was completed in the quarter."),
    "overdue": ("Overdue", "Nothing is overdue."),
    "due_next_quarter": ("Due next quarter", "Nothing falls due next quarter."),
    "rescheduled": ("Rescheduled", "Nothing is due later than was first agreed."),
    "not_reported_on": ("Not reported on in the quarter", "Everything that is open was reported on."),
    "more_confident_than_the_rules": (
        "Where owners are more confident than the rules",
        "Nowhere is an owner more confident than the rules.",
    ),
}


def headings(content: Content, *, is_other: bool) -> Iterator[Block]:
    """Yield the workstreams under their headings: those of other ongoing work, or all others."""
    chosen = [each for each in content["workstreams"] if (each["heading"] == OTHER_WORK) == is_other]
    for heading, streams in groupby(chosen, key=lambda each: str(each["heading"])):
        level = 2
        if heading and not is_other:
            yield Heading(2, heading)
            level = 3
        for stream in streams:
            yield from _workstream(content, stream, level)


def _workstream(content: Content, stream: Content, level: int) -> Iterator[Block]:
    yield Heading(level, stream["title"])
    partners = [f"{each['name']} ({ROLE_WORDS[each['role']]})" for each in stream["partners"]]
    beside = f", with {joined(partners)}" if partners else ""
    yield from texts(stream["description"])
    yield Paragraph(f"Led by {stream['lead']}{beside}. It serves: {joined(stream['priorities'])}.")
    yield Paragraph(figure_words("Here", stream["progress"]))
    yield from texts(stream["commentary"])
    if stream["moved"]:
        yield Bullets(tuple(stream["moved"]))
    mine = [each for each in content["milestones"] if each["workstream_id"] == stream["id"]]
    if mine:
        most = _most_rows(content)
        yield _milestones(f"Milestones of {stream['title']}", _foremost(mine, most))
        yield from rest(len(mine), most)
    for indicator in content["indicators"]:
        if indicator["workstream_id"] == stream["id"] and indicator["observations"]:
            yield from _indicator(indicator)


def _most_rows(content: Content) -> int:
    """Return how many milestones of each workstream the paper lists: it is to be read, however large the plan is."""
    return max(FEWEST_ROWS, min(MOST_ROWS, MOST_LISTED // len(content["workstreams"])))


def _foremost(rows: Sequence[Content], most: int) -> list[Content]:
    """Return the milestones that a board should see first where there are too many, in the order that they had."""
    by_need = sorted(rows, key=lambda row: (NEED.get(row["rag"], len(NEED)), row["due_on"] or date.max))
    chosen = {row["id"] for row in by_need[:most]}
    return [row for row in rows if row["id"] in chosen]


def _milestones(caption: str, rows: Sequence[Content]) -> Table:
    return Table(
        caption,
        ("Ref", "Milestone", "Due", "Status", "Complete", "Rating"),
        tuple(
            (
                each["ref"],
                each["title"],
                due(each),
                STATUS_WORDS[each["status"]],
                f"{each['percent_complete']}%",
                RAG_WORDS[each["rag"]],
            )
            for each in rows
        ),
        frozenset({4}),
    )


def _indicator(indicator: Content) -> Iterator[Block]:
    comparator = indicator["comparator"] or "Comparator"
    rows = indicator["observations"]
    is_tested = any(each["judgement"] != "not_testable" for each in rows)
    first = "Category" if any(each["category"] for each in rows) else "Measure"
    head: tuple[str, ...] = (first, "Local", comparator)
    yield Table(
        indicator["title"],
        (*head, "How it compares") if is_tested else head,
        tuple(
            (
                each["category"] or indicator["title"],
                measure(each["value"], indicator["unit"]),
                measure(each["comparator_value"], indicator["unit"]),
                *((JUDGEMENT_WORDS[each["judgement"]],) if is_tested else ()),
            )
            for each in rows
        ),
        frozenset({1, 2}),
    )
    yield Paragraph(_compared(indicator, comparator), is_numbered=False)
    for each in rows:
        for text in texts(each["commentary"] or ""):
            if isinstance(text, Paragraph):
                about = f"{each['category']}: " if each["category"] else ""
                yield Paragraph(f"{about}{text.text}", is_numbered=False)


def _compared(indicator: Content, comparator: str) -> str:
    told = [
        f"{each['category'] or 'Local'} {_apart(each['difference'], indicator['unit'])}"
        for each in indicator["observations"]
        if each["difference"] is not None
    ]
    tested = any(each["judgement"] != "not_testable" for each in indicator["observations"])
    note = "" if tested else " Without counts it cannot be tested whether a difference is more than chance."
    if not told:
        return f"There is nothing to compare with.{note}"
    return f"Against {comparator.lower()}: {joined(told)}.{note}"


def _apart(difference: float, unit: str) -> str:
    points = "points" if unit == "percent" else unit
    if difference == 0:
        return "the same"
    return f"{abs(difference):g} {points} {'higher' if difference > 0 else 'lower'}"


def lists(content: Content) -> Iterator[Block]:
    """Yield the milestones that the board should note, list by list."""
    rows = {each["id"]: each for each in content["milestones"]}
    yield Heading(1, "Milestones to note")
    for name, (heading, nothing) in LIST_WORDS.items():
        found = [rows[each] for each in content["lists"][name]]
        yield Heading(2, heading)
        if not found:
            yield Paragraph(nothing)
            continue
        yield cut(_listed(name, f"Milestones: {heading[0].lower()}{heading[1:]}", found))
        yield from rest(len(found))


def _listed(name: str, heading: str, rows: Sequence[Content]) -> Table:
    if name == "rescheduled":
        head: tuple[str, ...] = ("Ref", "Milestone", "First due", "Now due", "Reason")
        shown = tuple(
            (
                each["ref"],
                each["title"],
                in_words(each["baseline_due_on"]),
                due(each),
                each["reschedule_reason"] or NOTHING,
            )
            for each in rows
        )
        return Table(heading, head, shown)
    if name == "more_confident_than_the_rules":
        head = ("Ref", "Milestone", "Due", "The owner says", "The rules say")
        shown = tuple(
            (each["ref"], each["title"], due(each), RAG_WORDS[each["confidence"]], RAG_WORDS[each["rag"]])
            for each in rows
        )
        return Table(heading, head, shown)
    return _milestones(heading, rows)


def funding(content: Content) -> Iterator[Block]:
    """Yield the money for workstreams."""
    if not content["funding"]:
        return
    yield Heading(1, "Funding")
    yield Table(
        "Money for workstreams",
        ("Workstream", "Funder", "Amount", "Status", "Period"),
        tuple(
            (
                each["workstream"],
                each["funder"],
                "Not stated" if each["amount"] is None else f"£{each['amount']:,.2f}".removesuffix(".00"),
                str(each["status"]).capitalize(),
                period(each["starts_on"], each["ends_on"]),
            )
            for each in content["funding"]
        ),
        frozenset({2}),
    )
