"""A client generated from the published description, by openapi-python-client, works with the running service."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service.access.roles import Role, Scope
from service.access.service import create_token
from service.core import clock
from service.core.history import Recorder
from service.core.negotiation import XLSX_TYPE
from tests.conftest import home_of, run_once
from tests.contract.document import PUBLISHED, Operation, operations
from tests.wire import loopback_server

GENERATOR = Path(sys.executable).with_name("openapi-python-client")
PACKAGE = "generated_tracker_client"
HOPE_3 = 11


class Generated:
    """The generated package, and a client of the running service made with it."""

    def __init__(self, address: str = "", token: str = "") -> None:
        self.models: Any = importlib.import_module(f"{PACKAGE}.models")
        package: Any = importlib.import_module(PACKAGE)
        self.client: Any = package.AuthenticatedClient(base_url=address, token=token) if address else None

    def call(self, tag: str, operation: str, *arguments: Any, **more: Any) -> Any:
        """Send a request by the function of an operation, and return its status, headers and what was read of it."""
        module = importlib.import_module(f"{PACKAGE}.api.{tag.replace('-', '_')}.{operation}")
        return module.sync_detailed(*arguments, client=self.client, **more)


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.CompletedProcess[str]]:
    """The run of the generator; what it made can be imported."""
    folder = tmp_path_factory.mktemp("client")
    settings = folder / "settings.yaml"
    settings.write_text(f"post_hooks: []\ncontent_type_overrides:\n  {XLSX_TYPE}: application/octet-stream\n")
    command: list[str | Path] = [
        GENERATOR,
        "generate",
        "--path",
        PUBLISHED,
        "--output-path",
        folder / PACKAGE,
        "--meta",
        "none",
    ]
    command += ["--config", settings, "--fail-on-warning"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 The arguments are those above.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield done
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def generated(generation: subprocess.CompletedProcess[str], sample_url: str) -> Iterator[Generated]:
    """A client of a running service that holds the sample plan."""
    assert generation.returncode == 0, generation.stdout + generation.stderr
    token = run_once(
        sample_url,
        lambda connection: create_token(
            Recorder(connection, None, clock.now()),
            name="Client",
            roles=(Role.MANAGER, Role.ADMIN),
            organisation_id=home_of(connection),
            scopes=tuple(Scope),
            days=1,
        ),
    )
    with loopback_server(sample_url) as address:
        made = Generated(address, token)
        with made.client:
            yield made


def test_the_generator_has_nothing_to_say(generation: subprocess.CompletedProcess[str]) -> None:
    said = generation.stdout + generation.stderr
    assert generation.returncode == 0, said
    assert "warning" not in said.lower(), said


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in operations()])
def test_every_operation_has_its_function(
    generation: subprocess.CompletedProcess[str],  # noqa: ARG001 It puts the package where it can be imported from.
    operation: Operation,
) -> None:
    (tag,) = operation.says["tags"]
    assert callable(importlib.import_module(f"{PACKAGE}.api.{tag.replace('-', '_')}.{operation.name}").sync_detailed)


def test_a_list_is_read_page_by_page(generated: Generated) -> None:
    refs: list[str] = []
    cursor: Any = {}
    while True:
        page = generated.call("milestones", "list_milestones", limit=10, **cursor).parsed
        refs += [milestone.ref for milestone in page.items]
        if page.next_ is None:
            break
        cursor = {"cursor": parse_qs(urlsplit(page.next_).query)["cursor"][0]}
    assert len(refs) == len(set(refs)) == 23


def test_filters_and_orders_reach_the_service(generated: Generated) -> None:
    status = generated.models.MilestoneStatus.COMPLETE
    page = generated.call("milestones", "list_milestones", status=[status], workstream_id=[6], sort="-ref").parsed
    assert [(milestone.ref, milestone.status) for milestone in page.items] == [("HOPE-2", status), ("HOPE-1", status)]


def test_a_row_is_made_and_read_back(generated: Generated) -> None:
    wanted = generated.models.FundingAwardCreate(
        workstream_id=6,
        ref="hope-opcc",
        funder_id=9,
        amount="5000.50",
        status=generated.models.AwardStatus.BID,
        starts_on=date(2019, 4, 1),
    )
    made = generated.call("funding-awards", "create_funding_award", body=wanted, idempotency_key="once")
    again = generated.call("funding-awards", "create_funding_award", body=wanted, idempotency_key="once")
    read = generated.call("funding-awards", "get_funding_award", made.parsed.id)
    assert (made.status_code, made.headers["location"]) == (201, f"/v1/funding-awards/{made.parsed.id}")
    assert made.parsed == again.parsed == read.parsed
    assert (read.parsed.amount, read.parsed.starts_on, read.parsed.ends_on) == ("5000.50", date(2019, 4, 1), None)


def test_a_row_is_changed_by_the_tag_that_was_read(generated: Generated) -> None:
    tag = generated.call("milestones", "get_milestone", HOPE_3).headers["etag"]
    patch = generated.models.MilestonePatch(due_on=date(2019, 2, 28), owner_id=None, change_reason="As agreed.")
    changed = generated.call("milestones", "change_milestone", HOPE_3, body=patch, if_match=tag)
    assert changed.status_code == 200
    assert (changed.parsed.due_on, changed.parsed.baseline_due_on) == (date(2019, 2, 28), date(2019, 1, 31))


def test_a_row_is_deleted_by_the_tag_that_was_read(generated: Generated) -> None:
    tag = generated.call("funding-awards", "get_funding_award", 2).headers["etag"]
    deleted = generated.call("funding-awards", "delete_funding_award", 2, if_match=tag, change_reason="Entered twice.")
    assert deleted.status_code == 204
    assert generated.call("funding-awards", "get_funding_award", 2).status_code == 404


def test_progress_is_reported_and_read(generated: Generated) -> None:
    models = generated.models
    evidence = [models.Evidence(title="Minutes", url="https://example.org/minutes")]
    report = models.StatusUpdateCreate(
        effective_on=date(2019, 1, 31), status=models.MilestoneStatus.COMPLETE, evidence=evidence
    )
    before = generated.call("progress", "get_progress", strategy_id=1, as_at=date(2019, 1, 31)).parsed
    recorded = generated.call("updates", "record_update", HOPE_3, body=report)
    after = generated.call("progress", "get_progress", strategy_id=1, as_at=date(2019, 1, 31)).parsed
    told = generated.call(
        "progress", "get_progress", strategy_id=1, as_at=date(2019, 1, 31), known_at=before.known_at
    ).parsed
    assert (recorded.status_code, recorded.parsed.percent_complete) == (201, 100)
    assert after.total.receipt.earned == before.total.receipt.earned + 100
    assert told == before


def test_why_progress_moved_is_read(generated: Generated) -> None:
    moved = generated.call(
        "progress", "get_progress_changes", strategy_id=1, from_=date(2018, 9, 30), to=date(2018, 12, 10)
    ).parsed
    assert moved.delta == pytest.approx(sum(change.effect for change in moved.changes))
    assert {change.reason for change in moved.changes} <= set(generated.models.MoveReason)


@pytest.mark.parametrize(
    ("tag", "operation", "arguments", "more", "status"),
    [
        pytest.param("milestones", "get_milestone", (999,), {}, 404, id="not there"),
        pytest.param("milestones", "list_milestones", (), {"sort": "colour"}, 422, id="no such field to sort by"),
        pytest.param("milestones", "delete_milestone", (1,), {"if_match": '"stale"'}, 412, id="changed meanwhile"),
        pytest.param("boards", "delete_board", (1,), {"if_match": "*"}, 409, id="still referred to"),
    ],
)
def test_an_error_is_read_as_a_problem(
    generated: Generated, tag: str, operation: str, arguments: tuple[int, ...], more: dict[str, Any], status: int
) -> None:
    answer = generated.call(tag, operation, *arguments, **more)
    assert isinstance(answer.parsed, generated.models.Problem)
    assert answer.status_code == answer.parsed.status == status
    assert answer.parsed.request_id == answer.headers["x-request-id"]
