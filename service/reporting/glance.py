"""What a board reads first: how everything stands against its plan, and what moved. Pure."""

from collections.abc import Iterator, Sequence

from service.reporting.blocks import Block, Bullets, Figure, Heading, Paragraph, Table
from service.reporting.charts import Bar, Point, bar_chart, line_chart
from service.reporting.rules import RAG_WORDS, STATUS_WORDS, Content
from service.reporting.wording import NOTHING, cut, percent, rest, some, texts

RATINGS = {
    "complete": "That is all of it.",
    "not_due": "Nothing is due yet.",
    "unscheduled": "Nothing has a due date, so there is no rating.",
}


def glance(content: Content) -> Iterator[Block]:
    """Yield how everything stands, by priority, over time and by status."""
    yield Heading(1, "Progress at a glance")
    yield Paragraph(figure_words("Overall", content["total"]))
    rows = [(each["title"], *_figures(each["progress"])) for each in content["priorities"]]
    data = Table(
        "Figures of the chart above, by priority",
        ("Priority", "Complete", "Planned", "Index", "Rating", "Milestones", "Overdue"),
        (*rows, ("All, each milestone once", *_figures(content["total"]))),
        frozenset({1, 2, 3, 5, 6}),
    )
    bars = [
        Bar(
            each["title"],
            each["progress"]["percent_complete"],
            each["progress"]["planned_percent"],
            percent(each["progress"]["percent_complete"]),
        )
        for each in content["priorities"]
    ]
    words = "; ".join(
        f"{each['title']} {percent(each['progress']['percent_complete'])} complete, "
        f"planned {percent(each['progress']['planned_percent'])}"
        for each in content["priorities"]
    )
    caption = "Progress by priority against plan: bars show what is complete, diamonds where the plan stands"
    yield Figure("priorities", caption, f"{words}.", bar_chart("priorities", caption, f"{words}.", bars, 100), data)
    yield from (
        Paragraph(f"{each['title']}: {text.text}")
        for each in content["priorities"]
        for text in texts(each["commentary"])
        if isinstance(text, Paragraph)
    )
    yield _trend(content["trend"])
    yield _statuses(content["total"]["milestones"])


def _figures(progress: Content) -> tuple[str, ...]:
    counts = progress["milestones"]
    index = progress["schedule_performance_index"]
    return (
        percent(progress["percent_complete"]),
        percent(progress["planned_percent"]),
        NOTHING if index is None else f"{index:.2f}",
        RAG_WORDS[progress["rag"]],
        str(counts["total"]),
        str(counts["overdue"]),
    )


def figure_words(whose: str, progress: Content) -> str:
    """Return the figures of something in a sentence or two."""
    if progress["percent_complete"] is None:
        return f"{whose}, no milestone counts yet, so progress is not applicable."
    planned, counts, rag = progress["planned_percent"], progress["milestones"], progress["rag"]
    against = f", and {percent(planned)} was planned of what has a due date" if planned is not None else ""
    late = f" {some(counts['overdue'], 'milestone is', 'milestones are')} overdue." if counts["overdue"] else ""
    rating = RATINGS.get(rag) or f"The rating is {RAG_WORDS[rag].lower()}."
    included = some(counts["included"], "milestone", "milestones")
    are = "is" if counts["complete"] == 1 else "are"
    return (
        f"{whose}, {percent(progress['percent_complete'])} of the work is complete{against}. {rating} "
        f"{counts['complete']} of {included} {are} complete.{late}"
    )


def _trend(points: Sequence[Content]) -> Figure:
    caption = "Progress over the last eight quarters: complete, and planned"
    told = [
        f"{each['quarter']}: {percent(each['percent_complete'])} complete, {percent(each['planned_percent'])} planned"
        for each in points
    ]
    words = f"{'; '.join(told)}."
    drawn = [Point(each["quarter"][2:], each["percent_complete"], each["planned_percent"]) for each in points]
    rows = tuple(
        (
            each["quarter"],
            percent(each["percent_complete"]),
            percent(each["planned_percent"]),
            RAG_WORDS[each["rag"]],
        )
        for each in points
    )
    data = Table(
        "Figures of the chart above, by quarter",
        ("Quarter", "Complete", "Planned", "Rating"),
        rows,
        frozenset({1, 2}),
    )
    return Figure("trend", caption, words, line_chart("trend", caption, words, drawn), data)


def _statuses(counts: Content) -> Figure:
    caption = "Milestones by status"
    bars = [Bar(words, counts[name], None, str(counts[name])) for name, words in STATUS_WORDS.items()]
    words = f"{'; '.join(f'{bar.label} {bar.words}' for bar in bars)}."
    told = "Figures of the chart above, by status"
    data = Table(told, ("Status", "Milestones"), tuple((bar.label, bar.words) for bar in bars), frozenset({1}))
    most = max([bar.value or 0 for bar in bars] + [1])
    return Figure("statuses", caption, words, bar_chart("statuses", caption, words, bars, most), data)


def moved(content: Content) -> Iterator[Block]:
    """Yield what moved since the last report, and why."""
    changes, last = content["changes"], content["report"]["compared_with"]
    since = "since the quarter began" if last is None else f"since the report on {last['quarter']}"
    yield Heading(1, "What moved and why")
    before, after, delta = changes["from_percent_complete"], changes["to_percent_complete"], changes["delta"]
    if delta is None:
        yield Paragraph(f"There is no figure on both dates to compare {since}.")
    else:
        way = "stayed the same" if round(delta, 1) == 0 else f"{'rose' if delta > 0 else 'fell'} by {abs(delta):.1f}"
        points = "" if round(delta, 1) == 0 else " percentage points"
        yield Paragraph(f"Progress {way}{points} {since}, from {percent(before)} to {percent(after)}.")
    if changes["words"]:
        yield Bullets(tuple(changes["words"]))
    else:
        yield Paragraph(f"No milestone changed {since}.")
    rows = [(each["ref"], each["title"], each["reason"], f"{each['effect']:+.1f}") for each in changes["effects"]]
    if rows:
        yield cut(
            Table(
                "What each milestone did to the figure, in percentage points; together they are the whole change",
                ("Ref", "Milestone", "Reason", "Effect"),
                tuple(rows),
                frozenset({3}),
            )
        )
        yield from rest(len(rows))


def correction(content: Content) -> Iterator[Block]:
    """Yield what this edition corrects, where it is not the first."""
    correction = content["correction"]
    if correction is None:
        return
    yield Heading(1, "What this edition corrects")
    why = f" It was withdrawn: {correction['reason']}" if correction["reason"] else ""
    yield Paragraph(f"This replaces edition {correction['edition']}.{why}")
    if not correction["figures"]:
        yield Paragraph("No figure differs from that edition.")
        return
    yield Table(
        f"Figures that differ from edition {correction['edition']}",
        ("Whose", "Figure", "Then", "Now"),
        tuple(
            (
                each["title"] or "All, each milestone once",
                each["figure"].replace("_", " "),
                NOTHING if each["published"] is None else str(each["published"]),
                NOTHING if each["now"] is None else str(each["now"]),
            )
            for each in correction["figures"]
        ),
    )
