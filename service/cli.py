"""`tracker …`: the service from a shell. Each command builds an actor-less session and calls the same functions."""

import asyncio
import gc
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import click
import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from service.access.erasure import Traces, erase, find_person, find_traces, lines_of, tables_with_traces
from service.access.policy import SERVICE
from service.access.roles import Role, Scope
from service.access.service import create_token, is_without_users
from service.access.tokens import DAYS_AT_MOST, DAYS_BY_DEFAULT
from service.automation.due import Done, run_due
from service.core import clock
from service.core.calendar import parse_quarter
from service.core.db import Database, UnsupportedDatabase
from service.core.errors import Conflict, TrackerError
from service.core.fields import Title
from service.core.history import Recorder
from service.core.logs import set_up_logs
from service.core.migrations import NEWEST_REVISION, current_revision, downgrade, migrate
from service.exchange.backup import check_empty, read_backup, write_backup, write_sqlite_backup
from service.exchange.comparing import Status
from service.exchange.imports import apply_at_once, preview, told
from service.exchange.load import load_plan
from service.exchange.planfile import read_plan_file
from service.exchange.reading import read_sent
from service.exchange.sheets import SHEETS
from service.plan.models import organisation, strategy
from service.reporting.folders import write_report
from service.settings import PREFIX, Settings, SettingsError, do_nothing_by_itself, read_settings

T = TypeVar("T")
MOST_FAULTS_SHOWN = 20
SECONDS_TO_START = 60
NOT_CURRENT = "The database is not at the current tables: run `tracker migrate` first."
DEMO_QUESTION = "/v1/progress?strategy_id=1&group_by=priority&as_at=2018-12-10"


def run(make_app: Callable[[Settings], FastAPI]) -> None:
    """Run a command; what is wrong is said in words, without a trace."""
    try:
        cli(standalone_mode=True, obj=make_app)
    except (SettingsError, UnsupportedDatabase) as error:
        _fail(str(error))
    except TrackerError as error:
        _fail("\n".join(_lines_of(error)))
    except (DBAPIError, sqlite3.Error, asyncpg.PostgresError) as error:
        _fail(f"The database refused: {_words_of_driver(error)}")


def _lines_of(error: TrackerError) -> list[str]:
    """Return each fault with its place in the input, where it has one."""
    if not error.faults:
        return [error.detail]
    shown = error.faults[:MOST_FAULTS_SHOWN]
    lines = [f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail for fault in shown]
    hidden = len(error.faults) - len(shown)
    return [*lines, f"… and {hidden} more."] if hidden else lines


def _words_of_driver(error: Exception) -> str:
    """Return what the database itself said, without the statement."""
    said: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        said = error.orig.__cause__ or error.orig
    return (str(said).splitlines() or [type(said).__name__])[0]


def _fail(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


def _run(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        database = Database(settings.sqlalchemy_url, lock_timeout_seconds=settings.lock_timeout_seconds)
        try:
            return await work(database)
        finally:
            await database.dispose()

    return asyncio.run(run())


def _settings_help() -> str:
    """Return the settings as the help of `serve` shows them."""
    lines = [f"  {PREFIX}{name.upper()}\n      {field.description}" for name, field in Settings.model_fields.items()]
    return "\b\nSettings come from the environment:\n" + "\n".join(lines)


@click.group()
@click.version_option(package_name="partnership-action-tracker")
def cli() -> None:
    """Partnership Action Tracker: the plan behind joint priorities, and progress on it."""


@cli.command(epilog=_settings_help())
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 64), help="Server processes.")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API."""
    settings = read_settings()
    if not _run(settings, lambda database: database.snapshot(_is_current)):
        click.echo(NOT_CURRENT, err=True)
    _serve(settings, host or settings.host, settings.port if port is None else port, workers or settings.workers)


@cli.command()
def demo() -> None:
    """Migrate, load the sample plan into an empty database, print a token and a first question, and serve."""
    # Nothing changes in the sample but by whoever tries it out.
    do_nothing_by_itself()
    settings = read_settings()
    _check_port(settings.host, settings.port)
    _run(settings, lambda database: database.write(migrate))
    token = _run(settings, lambda database: database.write(_set_up_demo))
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    click.echo(
        f"\nDocumentation to try out:  {url}/docs   (Authorize with the token)\n"
        f"Token, good for {DAYS_BY_DEFAULT} days:   {token}\n\n"
        "The board's question, progress by priority as at 10 December 2018:\n\n"
        f"  curl -s -H 'Authorization: Bearer {token}' '{url}{DEMO_QUESTION}'\n"
    )
    _serve(settings, settings.host, settings.port, settings.workers)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to the current tables."""
    settings = read_settings()
    _run(settings, lambda database: database.write(migrate))
    click.echo(f"The database is at revision {NEWEST_REVISION}.")


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--sample", is_flag=True, help="Load the sample plan that comes with the service.")
def load(file: Path | None, sample: bool) -> None:
    """Load a plan file: all of it or nothing."""
    if (file is None) != sample:
        raise click.UsageError("Name one plan file, or say --sample.")
    raw = file.read_bytes() if file else _sample_bytes()
    settings = read_settings()
    with _no_search_for_garbage():
        counts = _run(settings, lambda database: _change(database, lambda connection: _load(connection, raw)))
    click.echo("Loaded " + ", ".join(f"{count} {name}" for name, count in counts.items()) + ".")


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the whole database to FILE, while the service goes on."""
    settings = read_settings()
    counts = _run(settings, lambda database: _backup(database, file))
    click.echo(f"Wrote {sum(counts.values())} rows to {file}.")


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Discard what the database holds.")
def restore(file: Path, replace: bool) -> None:
    """Put a backup into an empty database."""

    def act(connection: Connection) -> dict[str, int]:
        if replace:
            downgrade(connection)
        migrate(connection)
        check_empty(connection)
        return read_backup(connection, file)

    counts = _run(read_settings(), lambda database: database.write(act))
    click.echo(f"Restored {sum(counts.values())} rows from {file}.")


@cli.command("openapi")
@click.pass_obj
def print_openapi(make_app: Callable[[Settings], FastAPI]) -> None:
    """Print the OpenAPI document."""
    app = make_app(Settings(database_url="sqlite://"))
    click.echo(orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--strategy", "ref", required=True, help="Ref of the strategy that it is for.")
@click.option("--preview/--apply", "only_preview", required=True, help="Say what it would change, or change it.")
@click.option("--sheet", type=click.Choice([sheet.name for sheet in SHEETS]), help="Which sheet a CSV file is.")
@click.option("--accept", multiple=True, metavar="LINE", help="A line in conflict to apply all the same: Milestones!7.")
def import_workbook(file: Path, ref: str, only_preview: bool, sheet: str | None, accept: tuple[str, ...]) -> None:
    """Take a workbook back: say what each line would do, or do it, all of it or nothing."""
    settings = read_settings()

    async def work(database: Database) -> tuple[list[str], bool]:
        return await _import(database, file, ref, sheet, None if only_preview else frozenset(accept))

    lines, is_whole = _run(settings, work)
    click.echo("\n".join(lines))
    if not is_whole:
        sys.exit(1)


async def _import(
    database: Database, file: Path, ref: str, sheet: str | None, accepted: frozenset[str] | None
) -> tuple[list[str], bool]:
    """Preview a workbook, and apply it where lines are accepted (None: do not); return what to say of it."""
    await _check_current(database)
    strategy_id = await database.snapshot(lambda connection: _strategy_id(connection, ref))
    sent = await read_sent(file.name, file.read_bytes(), sheet)
    outcomes = await preview(database, SERVICE, strategy_id, sent, clock.today())
    if accepted is not None:
        outcomes = await database.write(
            lambda connection: apply_at_once(
                connection, SERVICE, strategy_id, sent, accepted=accepted, today=clock.today()
            )
        )
    is_whole = all(outcome.status is not Status.INVALID for outcome in outcomes)
    return [*told(outcomes), "Nothing was changed." if accepted is None else "Applied."], is_whole


def _strategy_id(connection: Connection, ref: str) -> int:
    found = connection.execute(select(strategy.c.id).where(strategy.c.ref == ref)).scalar_one_or_none()
    if found is None:
        raise click.UsageError(f"There is no strategy with the ref {ref}.")
    return int(found)


@cli.command("run-due")
def run_due_command() -> None:
    """Do everything that is due: drafts, publishing, deliveries and reminders.

    Safe to run at any time, any number of times, and on several machines at once.
    """
    settings = read_settings()

    async def act(database: Database) -> Done:
        await _check_current(database)
        return await run_due(database, settings)

    click.echo(_run(settings, act))


@cli.command("report")
@click.argument("quarter")
@click.option("--strategy", "ref", required=True, help="Ref of the strategy.")
@click.option(
    "--out", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to fill."
)
def report_command(quarter: str, ref: str, folder: Path) -> None:
    """Write the files of the report on a QUARTER, such as 2018-19-Q3, into a folder.

    It is the report of that quarter, or, where there is none yet, what its draft would be.
    """
    try:
        chosen = parse_quarter(quarter)
    except ValueError:
        raise click.BadParameter("write a quarter of the financial year, such as 2018-19-Q3.") from None

    async def act(database: Database) -> list[Path]:
        await _check_current(database)
        return await write_report(database, chosen, ref, folder)

    for path in _run(read_settings(), act):
        click.echo(path)


@cli.group()
def token() -> None:
    """Make tokens."""


def _title(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        return TypeAdapter(Title).validate_python(value)
    except ValidationError:
        raise click.BadParameter("Write 1 to 300 characters.") from None


@token.command("create")
@click.option("--name", required=True, callback=_title, help="Who or what the token is for.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice([role.value for role in Role]))
@click.option("--organisation", help="Ref of the organisation that the roles are held for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice([scope.value for scope in Scope]))
@click.option("--expires-days", type=click.IntRange(1, DAYS_AT_MOST), default=DAYS_BY_DEFAULT, show_default=True)
def create(
    name: str, roles: tuple[str, ...], organisation: str | None, scopes: tuple[str, ...], expires_days: int
) -> None:
    """Make a user with a token, and print the token, nothing else. It is shown this once."""

    def act(connection: Connection) -> str:
        return create_token(
            Recorder(connection, None, clock.now()),
            name=name,
            roles=[Role(role) for role in roles],
            organisation_id=_organisation_id(connection, organisation, roles),
            scopes=[Scope(scope) for scope in scopes] or list(Scope),
            days=expires_days,
        )

    click.echo(_run(read_settings(), lambda database: _change(database, act)))


def _organisation_id(connection: Connection, ref: str | None, roles: tuple[str, ...]) -> int | None:
    if ref is None:
        if is_without_users(connection) and set(roles) == {Role.ADMIN.value}:
            return None
        raise click.UsageError("Say --organisation REF: roles are held for one. Only the very first admin needs none.")
    known = {row.ref: int(row.id) for row in connection.execute(select(organisation.c.ref, organisation.c.id))}
    if ref not in known:
        raise click.UsageError(f"There is no organisation with the ref {ref}.")
    return known[ref]


@cli.group()
def user() -> None:
    """Keep users."""


@user.command("erase")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_user(who: str, yes: bool) -> None:
    """Erase the name and e-mail address of a person everywhere, past versions included.

    WHO is the number of a user or an e-mail address, of a user or of a post. What they did stays, under the number.
    The user is disabled, and can sign in no more. This cannot be undone.
    """
    settings = read_settings()
    traces = _run(settings, lambda database: database.snapshot(lambda connection: _traces(connection, who)))
    if not traces:
        click.echo("Nothing is left to erase.")
        return
    click.echo("\n".join(lines_of(traces)), err=not yes)
    if not yes:
        click.confirm("Erase this for ever?", abort=True, err=True)

    async def act(database: Database) -> None:
        await _change(
            database, lambda connection: erase(Recorder(connection, None, clock.now()), _traces(connection, who))
        )
        await database.clear_away(tables_with_traces())

    _run(settings, act)
    click.echo("Erased.")


def _traces(connection: Connection, who: str) -> Traces:
    return find_traces(connection, find_person(connection, who))


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Let be what is made meanwhile.

    A large plan is millions of objects that all stay: to look through them again and again takes longer than to
    load them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _sample_bytes() -> bytes:
    return files("service.sample").joinpath("plan.json").read_bytes()


def _load(connection: Connection, raw: bytes) -> dict[str, int]:
    recorder = Recorder(connection, None, clock.now(), "Loaded from a plan file")
    return load_plan(recorder, read_plan_file(raw), clock.today())


def _set_up_demo(connection: Connection) -> str:
    if connection.execute(select(strategy.c.id).limit(1)).first() is None:
        _load(connection, _sample_bytes())
    found = connection.execute(select(organisation.c.id).order_by(organisation.c.id).limit(1)).scalar_one_or_none()
    return create_token(
        Recorder(connection, None, clock.now()),
        name="Demonstration",
        roles=[Role.MANAGER, Role.ADMIN],
        organisation_id=found,
        scopes=list(Scope),
        days=DAYS_BY_DEFAULT,
    )


def _is_current(connection: Connection) -> bool:
    return current_revision(connection) == NEWEST_REVISION


async def _check_current(database: Database) -> None:
    """Raise Conflict, saying what to do, where the database is not at the current tables."""
    if not await database.snapshot(_is_current):
        raise Conflict(NOT_CURRENT)


async def _change(database: Database, act: Callable[[Connection], T]) -> T:
    """Do a change to a database that is at the current tables."""
    await _check_current(database)
    return await database.write(act)


async def _backup(database: Database, file: Path) -> dict[str, int]:
    await _check_current(database)
    if not database.is_sqlite:
        return await database.snapshot(lambda connection: write_backup(connection, file))
    return write_sqlite_backup(Path(str(database.engine.url.database)), file)


def _check_port(host: str, port: int) -> None:
    """Stop before anything is done where another program has the port."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise click.ClickException(f"Cannot listen on {host}:{port}: {error.strerror}. Set TRACKER_PORT.") from None


def _serve(settings: Settings, host: str, port: int, workers: int) -> None:
    set_up_logs(settings.log_level)
    # The server raises the signal again once it has shut down; by then all work is done.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        "service.start:serve_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        server_header=False,
        # Whose address a request comes from is settled by the settings, not by whoever connects from this machine.
        proxy_headers=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=SECONDS_TO_START,
    )
