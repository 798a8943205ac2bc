"""The content of a report as a board paper: which sections, in which words. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby

from service.core.calendar import Quarter, parse_quarter
from service.reporting.blocks import Block, Bullets, Figure, Heading, Paper, Paragraph, Table
from service.reporting.charts import Bar, Point, bar_chart, line_chart
from service.reporting.content import OTHER_WORK, Content
from service.reporting.rules import JUDGEMENT_WORDS, MONTHS, RAG_WORDS, STATUS_WORDS, in_words, joined

# More rows than these no board reads: they are in the workbook.
MOST_ROWS = 40
NOTHING = "None"
NOT_APPLICABLE = "Not applicable"
ROLE_WORDS = {
    "lead": "also leading",
    "contributor": "contributor",
    "commissioner": "commissioner",
    "provider": "provider",
    "funder": "funder",
}
RATINGS = {
    "complete": "That is all of it.",
    "not_due": "Nothing is due yet.",
    "unscheduled": "Nothing has a due date, so there is no rating.",
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


def write_paper(content: Content) -> Paper:
    """Return the paper of a report."""
    report = content["report"]
    quarter = parse_quarter(report["quarter"])
    title = f"{report['strategy']['title']}: progress in {quarter_words(quarter)}"
    boards = joined(report["boards"]) if report["boards"] else "The board"
    return Paper(title, boards, tuple(_about(report, quarter)), tuple(_blocks(content, quarter)))


def quarter_words(quarter: Quarter) -> str:
    """Return a quarter as people say it: `October to December 2018`."""
    return f"{MONTHS[quarter.first_day.month - 1]} to {MONTHS[quarter.last_day.month - 1]} {quarter.last_day.year}"


def _about(report: Content, quarter: Quarter) -> Iterator[str]:
    yield f"Quarter {quarter.name}, as at {in_words(quarter.last_day)}"
    edition = "" if report["edition"] == 1 else f", edition {report['edition']}"
    if report["status"] == "draft":
        yield f"Draft{edition}: the figures may still change"
    else:
        yield f"Published {in_words(report['known_at'].date())}{edition}"


def _blocks(content: Content, quarter: Quarter) -> Iterator[Block]:
    yield from _purpose(content, quarter)
    yield from _background(content)
    yield from _glance(content)
    yield from _correction(content)
    yield from _moved(content)
    yield Heading(1, "Progress to date")
    yield from _headings(content, is_other=False)
    if any(each["heading"] == OTHER_WORK for each in content["workstreams"]):
        yield Heading(1, OTHER_WORK)
        yield from _headings(content, is_other=True)
    yield from _lists(content)
    yield from _funding(content)
    yield from _recommendations(content)
    yield from _contacts(content)
    yield from _proof(content)


def _purpose(content: Content, quarter: Quarter) -> Iterator[Block]:
    titles = joined([each["title"] for each in content["priorities"]]) if content["priorities"] else ""
    yield Heading(1, "Purpose of report")
    on = f" on its priorities: {titles}" if titles else ""
    yield Paragraph(f"The purpose of this report is to update the Board on progress in {quarter_words(quarter)}{on}.")
    yield from _texts(content["summary"])


def _texts(text: str) -> Iterator[Block]:
    for part in text.replace("\r\n", "\n").split("\n\n"):
        if part.strip():
            yield Paragraph(" ".join(part.split()))


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


def _glance(content: Content) -> Iterator[Block]:
    yield Heading(1, "Progress at a glance")
    yield Paragraph(_figure_words("Overall", content["total"]))
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
        for text in _texts(each["commentary"])
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


def _figure_words(whose: str, progress: Content) -> str:
    if progress["percent_complete"] is None:
        return f"{whose}, no milestone counts yet, so progress is not applicable."
    planned, counts, rag = progress["planned_percent"], progress["milestones"], progress["rag"]
    against = f", and {percent(planned)} was planned of what has a due date" if planned is not None else ""
    late = f" {_some(counts['overdue'], 'milestone is', 'milestones are')} overdue." if counts["overdue"] else ""
    rating = RATINGS.get(rag) or f"The rating is {RAG_WORDS[rag].lower()}."
    included = _some(counts["included"], "milestone", "milestones")
    are = "is" if counts["complete"] == 1 else "are"
    return (
        f"{whose}, {percent(progress['percent_complete'])} of the work is complete{against}. {rating} "
        f"{counts['complete']} of {included} {are} complete.{late}"
    )


def _some(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def percent(value: float | None) -> str:
    """Return a percentage as it is shown: `16.7%`; None where there is none."""
    return NOTHING if value is None else f"{value:.1f}%"


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


def _moved(content: Content) -> Iterator[Block]:
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
        yield _cut(
            Table(
                "What each milestone did to the figure, in percentage points; together they are the whole change",
                ("Ref", "Milestone", "Reason", "Effect"),
                tuple(rows),
                frozenset({3}),
            )
        )
        yield from _rest(len(rows))


def _correction(content: Content) -> Iterator[Block]:
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


def _cut(table: Table) -> Table:
    return Table(table.caption, table.head, table.rows[:MOST_ROWS], table.numbers)


def _rest(count: int) -> Iterator[Block]:
    if count > MOST_ROWS:
        yield Paragraph(f"{count - MOST_ROWS} more are in the workbook of this report.", is_numbered=False)


def _headings(content: Content, *, is_other: bool) -> Iterator[Block]:
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
    yield from _texts(stream["description"])
    yield Paragraph(f"Led by {stream['lead']}{beside}. It serves: {joined(stream['priorities'])}.")
    yield Paragraph(_figure_words("Here", stream["progress"]))
    yield from _texts(stream["commentary"])
    if stream["moved"]:
        yield Bullets(tuple(stream["moved"]))
    mine = [each for each in content["milestones"] if each["workstream_id"] == stream["id"]]
    if mine:
        yield _cut(_milestones(f"Milestones of {stream['title']}", mine))
        yield from _rest(len(mine))
    for indicator in content["indicators"]:
        if indicator["workstream_id"] == stream["id"] and indicator["observations"]:
            yield from _indicator(indicator)


def _milestones(caption: str, rows: Sequence[Content]) -> Table:
    return Table(
        caption,
        ("Ref", "Milestone", "Due", "Status", "Complete", "Rating"),
        tuple(
            (
                each["ref"],
                each["title"],
                _due(each),
                STATUS_WORDS[each["status"]],
                f"{each['percent_complete']}%",
                RAG_WORDS[each["rag"]],
            )
            for each in rows
        ),
        frozenset({4}),
    )


def _due(row: Content) -> str:
    return NOTHING if row["due_on"] is None else in_words(row["due_on"], row["due_precision"])


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
        for text in _texts(each["commentary"] or ""):
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


def measure(value: float | None, unit: str) -> str:
    """Return a value in its unit: `3.8%`, `64%`, `12 days`; a percentage of a table with decimals keeps one."""
    if value is None:
        return NOTHING
    return f"{value:.1f}%" if unit == "percent" else f"{value:g} {unit}"


def _lists(content: Content) -> Iterator[Block]:
    rows = {each["id"]: each for each in content["milestones"]}
    yield Heading(1, "Milestones to note")
    for name, (heading, nothing) in LIST_WORDS.items():
        found = [rows[each] for each in content["lists"][name]]
        yield Heading(2, heading)
        if not found:
            yield Paragraph(nothing)
            continue
        yield _cut(_listed(name, f"Milestones: {heading[0].lower()}{heading[1:]}", found))
        yield from _rest(len(found))


def _listed(name: str, heading: str, rows: Sequence[Content]) -> Table:
    if name == "rescheduled":
        head: tuple[str, ...] = ("Ref", "Milestone", "First due", "Now due", "Reason")
        shown = tuple(
            (
                each["ref"],
                each["title"],
                in_words(each["baseline_due_on"]),
                _due(each),
                each["reschedule_reason"] or NOTHING,
            )
            for each in rows
        )
        return Table(heading, head, shown)
    if name == "more_confident_than_the_rules":
        head = ("Ref", "Milestone", "Due", "The owner says", "The rules say")
        shown = tuple(
            (each["ref"], each["title"], _due(each), RAG_WORDS[each["confidence"]], RAG_WORDS[each["rag"]])
            for each in rows
        )
        return Table(heading, head, shown)
    return _milestones(heading, rows)


def _funding(content: Content) -> Iterator[Block]:
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
                _period(each["starts_on"], each["ends_on"]),
            )
            for each in content["funding"]
        ),
        frozenset({2}),
    )


def _period(first: date | None, last: date | None) -> str:
    if first is None and last is None:
        return "Not stated"
    start = "" if first is None else in_words(first)
    end = "" if last is None else in_words(last)
    return f"{start} to {end}".strip()


def _recommendations(content: Content) -> Iterator[Block]:
    yield Heading(1, "Recommendations")
    asked = [f"{each['board']} is asked to {_small_first(each['text'])}" for each in content["recommendations"]]
    for text in asked or ["The Board is asked to note this report."]:
        yield Paragraph(text if text.endswith(".") else f"{text}.")


def _small_first(text: str) -> str:
    return text[:1].lower() + text[1:]


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


def instant_words(instant: datetime) -> str:
    """Return an instant to the microsecond, in UTC."""
    return f"{instant:%H:%M:%S.%f} UTC on {in_words(instant.date())}"
