"""The documents say what the code does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from service.cli import cli
from service.exchange.planfile import PlanFile
from service.main import create_app
from service.settings import PREFIX, Settings
from tests.conftest import Api, load_file, run_once, serving
from tests.docs.reading import (
    DOCUMENTS,
    LINK,
    ROOT,
    Likeness,
    anchors,
    blocks,
    code_lines,
    exchanges,
    name_of,
    parse_curl,
)

RUNNING = ROOT / "docs" / "running.md"
PLAN_FILE = ROOT / "docs" / "plan-file.md"
SETTING_ROW = re.compile(rf"^\| `({PREFIX}\w+)` \| ([^|]*) \|", re.MULTILINE)
ADDRESS = re.compile(r"/v1/[\w\-/{}]*(?:[.]csv-metadata[.]json)?")
TABLE = re.compile(r"/v1/\w+(?=[.]csv-metadata)")
FILE = re.compile(r"(?<=/files/)\w+$")
NUMBER = re.compile(r"/(\d+|\{\w+\})(?=/|$)")
IN_WORDS = {"": "none", "[]": "none", "['RS256']": "RS256"}
WITH_CURL = [document for document in DOCUMENTS if exchanges(document.read_text())]

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


def test_the_settings_and_their_defaults_are_listed() -> None:
    listed = {name: default.strip("` ") for name, default in SETTING_ROW.findall(RUNNING.read_text())}
    held = {f"{PREFIX}{name.upper()}": str(field.default) for name, field in Settings.model_fields.items()}
    assert listed == {name: IN_WORDS.get(default, default) for name, default in held.items()}


@each_document
def test_no_other_setting_is_named(document: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}TEST_DATABASE_URL"}
    assert set(re.findall(rf"\b{PREFIX}\w+", document.read_text())) <= known


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text()), target


def test_every_document_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in LINK.findall(index.read_text())}
    assert set(DOCUMENTS) - linked <= {index}


@each_document
def test_commands_and_options_exist(document: Path) -> None:
    for line in code_lines(document.read_text()):
        found = re.search(r"(?:^|[\s/(])tracker ([a-z][^#|)]*)", line)
        if found:
            _check_command(found[1].split())


def _check_command(words: list[str]) -> None:
    command: click.Command = cli
    for word in words:
        if isinstance(command, click.Group) and not word.startswith("-"):
            assert word in command.commands, f"tracker {' '.join(words)}"
            command = command.commands[word]
        elif word.startswith("--"):
            options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {
                "--help"
            }
            assert word.partition("=")[0] in options, f"tracker {' '.join(words)}"


@each_document
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in code_lines(document.read_text()):
        found = re.match(r"(?:[A-Z_]+=\S+ )*make ([a-z]+)", line)
        assert not found or found[1] in targets, line


@pytest.fixture(scope="module")
def addresses() -> set[str]:
    """The addresses of the API, with {id} for any number."""
    document = create_app(Settings(database_url="sqlite://")).openapi()
    return {NUMBER.sub("/{id}", path) for path in document["paths"]}


@each_document
def test_addresses_exist(document: Path, addresses: set[str]) -> None:
    for line in code_lines(document.read_text()):
        for address in ADDRESS.findall(line):
            found = FILE.sub("{name}", TABLE.sub("/v1/{name}", address))
            assert NUMBER.sub("/{id}", found) in addresses, address


@pytest.fixture
def demonstration(database_url: str) -> Iterator[Api]:
    """A client of a service whose sample plan was loaded as its users load it."""
    loaded = CliRunner().invoke(cli, ["load", "--sample"], env={f"{PREFIX}DATABASE_URL": database_url})
    assert loaded.exit_code == 0, loaded.output
    yield from serving(database_url)


@pytest.mark.parametrize("document", WITH_CURL, ids=name_of)
def test_the_answers_shown_are_the_services(document: Path, demonstration: Api) -> None:
    likeness = Likeness()
    for exchange in exchanges(document.read_text()):
        sent = parse_curl(likeness.real(exchange.command), demonstration.token())
        answer = demonstration.client.request(
            sent.method,
            sent.url,
            headers=sent.headers,
            content=sent.body,
            auth=sent.user or None,  # type: ignore[arg-type]
        )
        language, shown = exchange.shown or ("", "")
        if language == "http":
            likeness.check_answer(shown, answer)
            continue
        assert answer.is_success, f"{exchange.command}\n{answer.text}"
        if language == "json":
            likeness.check(json.loads(shown), answer.json(), exchange.command)


def test_the_readme_shows_the_whole_answer_to_the_board(sample: Api) -> None:
    (shown,) = [
        each.shown for each in exchanges((ROOT / "README.md").read_text()) if "as_at=2018-12-10" in each.command
    ]
    assert shown is not None
    answer = sample.get("/v1/progress?strategy_id=1&group_by=priority&as_at=2018-12-10").json()
    held = json.loads(shown[1])
    assert held["total"] == answer["total"]
    assert [group["ref"] for group in held["groups"]] == [group["ref"] for group in answer["groups"]]


def plan_file_example() -> str:
    """The one example of the plan file that is whole."""
    (example,) = [block for language, block in blocks(PLAN_FILE.read_text()) if language == "json"]
    return example


def test_the_example_of_a_plan_file_loads(database_url: str) -> None:
    counts = run_once(database_url, lambda connection: load_file(connection, plan_file_example().encode()))
    assert counts["milestones"] == 1


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models of a plan file, from the outside in."""
    yield model
    for info in model.model_fields.values():
        for inner in _parts(info.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from models_of(inner)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)


def test_every_field_of_a_plan_file_is_described() -> None:
    sections = [
        dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", section, re.MULTILINE))
        for section in PLAN_FILE.read_text().split("\n### ")
    ]
    described = {frozenset(section.items()) for section in sections if section}
    assert described == {
        frozenset((name, info.description) for name, info in model.model_fields.items())
        for model in models_of(PlanFile)
    }
