"""The content of a report as a board paper: which sections, in which words. Pure."""

import re
from collections.abc import Iterator

from service.core.calendar import Quarter, parse_quarter
from service.core.clock import london_date
from service.reporting.blocks import Block, Bullets, Heading, Paper, Paragraph, Table, changed
from service.reporting.glance import correction, glance, moved
from service.reporting.rules import OTHER_WORK, Content, in_words, joined
from service.reporting.wording import instant_words, quarter_words, small_first, texts
from service.reporting.work import funding, headings, lists

# Characters that no document in XML can hold.
UNREADABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_paper(content: Content) -> Paper:
    """Return the paper of a report."""
    report = content["report"]
    quarter = parse_quarter(report["quarter"])
    title = f"{report['strategy']['title']}: progress in {quarter_words(quarter)}"
    boards = joined(report["boards"]) if report["boards"] else "The board"
    paper = Paper(title, boards, tuple(_about(report, quarter)), tuple(_blocks(content, quarter)))
    return changed(paper, lambda text: UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text))


def _about(report: Content, quarter: Quarter) -> Iterator[str]:
    yield f"Quarter {quarter.name}, as at {in_words(quarter.last_day)}"
    edition = "" if report["edition"] == 1 else f", edition {report['edition']}"
    if report["status"] == "draft":
        yield f"Draft{edition}: the figures may still change"
    else:
        yield f"Published {in_words(london_date(report['known_at']))}{edition}"


def _blocks(content: Content, quarter: Quarter) -> Iterator[Block]:
    yield from _purpose(content, quarter)
    yield from _background(content)
    yield from glance(content)
    yield from correction(content)
    yield from moved(content)
    yield Heading(1, "Progress to date")
    yield from headings(content, is_other=False)
    if any(each["heading"] == OTHER_WORK for each in content["workstreams"]):
        yield Heading(1, OTHER_WORK)
        yield from headings(content, is_other=True)
    yield from lists(content)
    yield from funding(content)
    yield from _recommendations(content)
    yield from _contacts(content)
    yield from _proof(content)


def _purpose(content: Content, quarter: Quarter) -> Iterator[Block]:
    titles = joined([each["title"] for each in content["priorities"]]) if content["priorities"] else ""
    yield Heading(1, "Purpose of report")
    on = f" on its priorities: {titles}" if titles else ""
    yield Paragraph(f"The purpose of this report is to update the Board on progress in {quarter_words(quarter)}{on}.")
    yield from texts(content["summary"])


def _background(content: Content) -> Iterator[Block]:
    strategy = content["report"]["strategy"]
    until = f" and runs to {in_words(strategy['ends_on'])}" if strategy["ends_on"] else ""
    yield Heading(1, "Background")
    partners = content["report"]["partners"]
    of = f" Its partners are {joined(partners)}." if partners else ""
    yield Paragraph(f"The plan “{strategy['title']}” began on {in_words(strategy['starts_on'])}{until}.{of}")
    decided = [f"{_decided(each)}: {each['text']}" for each in content["decisions"]]
    if decided:
        yield Paragraph("Decisions so far:")
        yield Bullets(tuple(decided))


def _decided(decision: Content) -> str:
    if decision["decided_on"] is None:
        return str(decision["board"])
    when = in_words(decision["decided_on"], decision["precision"])
    return f"{when[0].upper()}{when[1:]}, {decision['board']}"


def _recommendations(content: Content) -> Iterator[Block]:
    yield Heading(1, "Recommendations")
    asked = [f"{each['board']} is asked to {small_first(each['text'])}" for each in content["recommendations"]]
    for text in asked or ["The Board is asked to note this report."]:
        yield Paragraph(text if text.endswith(".") else f"{text}.")


def _contacts(content: Content) -> Iterator[Block]:
    if content["contacts"]:
        yield Heading(1, "Officers to contact")
        yield Bullets(tuple(f"{each['post']}, {each['organisation']}" for each in content["contacts"]))


def _proof(content: Content) -> Iterator[Block]:
    report = content["report"]
    yield Heading(1, "How these figures are made")
    yield Paragraph(
        "Each milestone counts by its weight, and once in the total, however many priorities it serves. Complete is "
        "the work done of the weight that counts; planned is the same for work that has a due date, spread evenly "
        "from its start to that date; the index is complete against planned. Below 0.7 is red, below 0.9 amber. "
        f"Rules version {report['rules_version']}.",
        is_numbered=False,
    )
    yield Paragraph(
        f"The figures are true of {in_words(report['as_at'])}, as known at {instant_words(report['known_at'])}. "
        "Asked again with these two, the service gives the same for ever. The whole numbers behind each figure:",
        is_numbered=False,
    )
    names = ("weight", "earned", "scheduled_weight", "scheduled_earned", "planned")
    rows = [
        (each["title"], *(f"{each['progress']['receipt'][name]:,}" for name in names))
        for each in (*content["priorities"], {"title": "All, each milestone once", "progress": content["total"]})
    ]
    yield Table(
        "Receipts",
        ("Whose", "Weight", "Weight × percent", "Weight due", "Of that, × percent", "Weight × plan (basis points)"),
        tuple(rows),
        frozenset({1, 2, 3, 4, 5}),
    )
