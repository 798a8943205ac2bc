"""`python -m bench`: measure, print a table, and with `--write` put it into README.md."""

import asyncio
import platform
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import uvloop

from bench import asking, files, loading, reading, reports, starting, writing
from bench.cores import CLIENT_CORE, CORES, on_core
from bench.databases import home
from bench.measure import Finding
from bench.sizes import SIZES, span_until_now
from bench.stage import Pace, Stage, stage
from bench.table import Findings, put_into, table
from service.core import clock

README = Path(__file__).with_name("README.md")
ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
ROWS: dict[str, Callable[[Stage], Awaitable[list[Finding]]]] = {
    "get": reading.get_one,
    "list": reading.list_by_status,
    "kept": reading.kept_progress,
    "first": asking.first_time,
    "company": asking.in_company,
    "past": asking.in_the_past,
    "trend": asking.over_quarters,
    "write": writing.one_writer,
    "writers": writing.many_writers,
    "csv": files.table_as_csv,
    "xlsx": files.table_as_xlsx,
    "odata": files.feed_page,
    # Before the workbooks, after which the server holds on to the memory that those took.
    "report": reports.files_of_a_report,
    "workbook": files.workbook_back,
    "due": reports.nothing_due,
    "start": starting.start,
    "load": loading.load,
}
# A plan file of the whole country would be gigabytes, which nobody sends, and no worksheet holds so many rows.
NOT_NATIONAL = {"load", "xlsx"}


@click.command()
@click.option("--size", type=click.Choice(list(SIZES)), default="standard", show_default=True)
@click.option("--engine", type=click.Choice([*ENGINES, "both"]), default="both", show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(ROWS)), help="Measure only this; may be repeated.")
@click.option("--seconds", default=0.5, show_default=True, help="Length of a round.")
@click.option("--rounds", default=9, show_default=True, help="Rounds that count.")
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where databases are made."
)
@click.option("--write", is_flag=True, help="Put the table into bench/README.md.")
def main(
    *,
    size: str,
    engine: str,
    only: tuple[str, ...],
    seconds: float,
    rounds: int,
    folder: Path | None,
    write: bool,
) -> None:
    """Measure the service under load, with ratios from within this one run."""
    chosen = [name for name in ROWS if (not only or name in only) and not (size == "national" and name in NOT_NATIONAL)]
    engines = [engine] if engine != "both" else (["postgresql"] if size == "national" else list(ENGINES))
    if size == "national" and "sqlite" in engines:
        raise click.UsageError("The national size is measured on PostgreSQL only.")
    found: Findings = {}
    with on_core(CLIENT_CORE), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for name in engines:
            found[ENGINES[name]] = runner.run(_measure(name, size, chosen, Pace(seconds, rounds), folder))
    text = f"{_about(size)}\n\n{table(found)}"
    click.echo(text)
    if write:
        put_into(README, size, text)
    sys.exit(0 if all(finding.is_met for findings in found.values() for finding in findings) else 1)


async def _measure(engine: str, size: str, chosen: list[str], pace: Pace, folder: Path | None) -> list[Finding]:
    findings: list[Finding] = []
    async with home(engine, folder) as place, stage(engine, SIZES[size], span_until_now(), pace, place) as prepared:
        for name in chosen:
            for finding in await ROWS[name](prepared):
                findings.append(finding)
                click.echo(f"{engine}: {finding.what}: {finding.measured:.2f} {finding.unit} ({finding.raw})", err=True)
    return findings


def _about(size: str) -> str:
    """Return when and on what kind of machine this was measured."""
    held = SIZES[size]
    return (
        f"`python -m bench --size {size}` on {clock.today()}: {len(CORES)} cores, {platform.system()}, "
        f"Python {platform.python_version()}; {held.strategies} strategies, {held.milestones:,} milestones, "
        f"{held.updates:,} updates."
    )


if __name__ == "__main__":
    main()
