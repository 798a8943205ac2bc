"""The table of what was found, and its place in the README."""

from pathlib import Path

from bench.measure import Finding

Findings = dict[str, list[Finding]]
HEAD = "| what | engine | target | measured | | raw |\n|---|---|---|---|---|---|\n"


def table(found: Findings) -> str:
    """Return the findings of all engines as a Markdown table, those of one thing beside each other."""
    lines: dict[str, list[str]] = {}
    for engine, findings in found.items():
        for finding in findings:
            lines.setdefault(finding.what, []).append(_line(engine, finding))
    return HEAD + "\n".join(line for held in lines.values() for line in held)


def _line(engine: str, finding: Finding) -> str:
    sign = "≥" if finding.is_least else "≤"
    verdict = "pass" if finding.is_met else "**fail**"
    cells = (
        finding.what,
        engine,
        f"{sign} {finding.target:g} {finding.unit}",
        f"{finding.measured:.2f} {finding.unit}",
        verdict,
        finding.raw,
    )
    return f"| {' | '.join(cells)} |"


def put_into(readme: Path, name: str, text: str) -> None:
    """Put text between the marks of a name.

    Raises:
        ValueError: the file has no such marks.
    """
    start, end = f"<!-- {name}: last run -->", f"<!-- {name}: end -->"
    before, _, rest = readme.read_text(encoding="utf-8").partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{readme.name} has no marks for {name}.")
    readme.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
