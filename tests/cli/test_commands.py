"""The commands: what they print, what they change, and what they refuse, in words and without a trace."""

import json
import re
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url, select

from service.access.models import access_token, user_role
from service.access.roles import Scope
from service.access.tokens import PATTERN
from service.core.migrations import NEWEST_REVISION, downgrade
from service.settings import PREFIX, Settings
from tests.cli.command import must, run_tracker
from tests.conftest import SAMPLE, run_once
from tests.factories import all_rows

OPENAPI = SAMPLE.parents[2] / "openapi" / "openapi.json"
COUNTS = re.compile(r"^Loaded (.*)\.\n$")
NOT_MIGRATED = "The database is not at the current tables: run `tracker migrate` first.\n"


def plan_file(folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """Write the sample plan with a change, and return where."""
    plan = json.loads(SAMPLE.read_text())
    change(plan)
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    return str(path)


def test_migrate_says_where_the_database_is(database_url: str) -> None:
    run_once(database_url, downgrade)
    for _ in range(2):
        said = must(run_tracker("migrate", database_url=database_url))
        assert said == f"The database is at revision {NEWEST_REVISION}.\n"


def test_openapi_prints_the_committed_description_and_needs_no_database(tmp_path: Path) -> None:
    said = must(run_tracker("openapi", data_dir=tmp_path / "none"))
    assert said == OPENAPI.read_text()
    assert not (tmp_path / "none").exists()


class TestLoad:
    def test_says_how_many_of_each_it_loaded(self, database_url: str) -> None:
        found = COUNTS.match(must(run_tracker("load", "--sample", database_url=database_url)))
        assert found is not None
        counts = {name: int(count) for count, name in (each.split(" ") for each in found[1].split(", "))}
        rows = all_rows(database_url)
        assert {name: counts[name] for name in ("organisations", "milestones", "updates", "observations")} == {
            "organisations": len(rows["organisation"]),
            "milestones": len(rows["milestone"]),
            "updates": len(rows["status_update"]),
            "observations": len(rows["observation"]),
        }

    def test_the_sample_and_the_file_of_it_are_the_same(self, database_url: str) -> None:
        said = must(run_tracker("load", str(SAMPLE), database_url=database_url))
        assert COUNTS.match(said)
        assert len(all_rows(database_url)["stamp"]) == 1

    def test_the_sample_loads_once(self, sample_url: str) -> None:
        before = all_rows(sample_url)
        said = run_tracker("load", "--sample", database_url=sample_url)
        assert said.is_refusal_in_words()
        lines = said.err.splitlines()
        assert lines[0] == "/organisations/0/ref: This ref is taken: there is another organisation with it."
        assert (len(lines), lines[-1]) == (21, "… and 10 more.")
        assert all_rows(sample_url) == before

    def test_every_fault_is_named_by_its_place_and_nothing_is_loaded(self, database_url: str, tmp_path: Path) -> None:
        def spoil(plan: dict[str, Any]) -> None:
            (strategy,) = plan["strategies"]
            streams = strategy["workstreams"]
            plan["owners"][1]["organisation"] = "nobody"
            plan["boards"][2]["parent"] = "later"
            streams[0]["lead"] = "nobody"
            streams[1]["milestones"][0]["ref"] = streams[0]["milestones"][0]["ref"]
            streams[2]["milestones"][1]["due_on"] = "2018-09-29"
            streams[2]["milestones"][1]["updates"][0]["percent_complete"] = 50
            streams[3]["priorities"] = []
            streams[4]["partners"].append(streams[4]["partners"][0])
            strategy["indicators"][1]["observations"][0]["numerator"] = 3
            plan["decisions"][0]["priorities"] = [{"strategy": strategy["ref"], "ref": "nowhere"}]

        said = run_tracker("load", plan_file(tmp_path, spoil), database_url=database_url)
        assert said.is_refusal_in_words()
        assert [line.split(": ")[0] for line in said.err.splitlines()] == [
            "/boards/2/parent",
            "/owners/1/organisation",
            "/strategies/0/workstreams/0/lead",
            "/strategies/0/workstreams/1/milestones/0/ref",
            "/strategies/0/workstreams/2/milestones/1/due_on",
            "/strategies/0/workstreams/2/milestones/1/updates/0/percent_complete",
            "/strategies/0/workstreams/3/priorities",
            "/strategies/0/workstreams/4/partners/3",
            "/strategies/0/indicators/1/observations/0/denominator",
            "/decisions/0/priorities/0",
        ]
        assert not any(all_rows(database_url).values())

    def test_every_entry_that_does_not_fit_is_named_by_its_place(self, database_url: str, tmp_path: Path) -> None:
        def spoil(plan: dict[str, Any]) -> None:
            (strategy,) = plan["strategies"]
            plan["organisations"][3]["kind"] = "club"
            strategy["workstreams"][5]["milestones"][8]["weight"] = 0
            strategy["workstreams"][5]["milestones"][8]["titel"] = "x"
            strategy["workstreams"][0]["milestones"][0]["updates"][0]["effective_on"] = "2018-02-30"
            del plan["decisions"][4]["text"]

        said = run_tracker("load", plan_file(tmp_path, spoil), database_url=database_url)
        assert said.is_refusal_in_words()
        assert sorted(line.split(": ")[0] for line in said.err.splitlines()) == [
            "/decisions/4/text",
            "/organisations/3/kind",
            "/strategies/0/workstreams/0/milestones/0/updates/0/effective_on",
            "/strategies/0/workstreams/5/milestones/8/titel",
            "/strategies/0/workstreams/5/milestones/8/weight",
        ]

    def test_what_the_database_finds_wrong_at_the_end_undoes_all(self, database_url: str) -> None:
        # A trigger stands for whatever only the database can find.
        def refuse_areas(connection: Connection) -> None:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql(
                    "CREATE TRIGGER no_area BEFORE INSERT ON workstream_partner BEGIN SELECT RAISE(ABORT, 'no'); END"
                )
            else:
                connection.exec_driver_sql("ALTER TABLE workstream_partner ADD CONSTRAINT no_area CHECK (role = 'x')")

        run_once(database_url, refuse_areas)
        assert run_tracker("load", "--sample", database_url=database_url).is_refusal_in_words()
        assert not any(all_rows(database_url).values())

    def test_decisions_may_refer_to_what_is_there_already(self, sample_url: str, tmp_path: Path) -> None:
        decision = {"board": "lscsb", "ref": "next", "kind": "note", "text": "Noted."}
        decision["priorities"] = [{"strategy": "joint-priorities", "ref": "mental-health"}]  # type: ignore[assignment]
        decision["workstreams"] = [{"strategy": "joint-priorities", "ref": "hope-project"}]  # type: ignore[assignment]
        path = tmp_path / "decision.json"
        path.write_text(json.dumps({"format": "partnership-plan", "format_version": 1, "decisions": [decision]}))
        assert must(run_tracker("load", str(path), database_url=sample_url)) == "Loaded 1 decisions.\n"
        rows = all_rows(sample_url)
        made = rows["decision"][-1][0]
        assert [
            [row[1] for row in rows[name] if row[0] == made] for name in ("decision_priority", "decision_workstream")
        ] == [
            [3],
            [6],
        ]

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "The body is not JSON: Expecting value at line 1, column 1."),
            (bytes(range(256)), "The body is not JSON: it is not UTF-8."),
            (b"\xff\xfe{\x00}\x00", "The body is not JSON: it is not UTF-8."),
            (b'{"format": "partnership-plan",', "The body is not JSON: "),
            (b"[" * 100_000, "The body is not JSON: it nests too deep."),
            (b"[]", "Input should be"),
            (b"{}", "/format: "),
            (b'{"format": "tracker-backup", "format_version": 1}', "/format: "),
        ],
        ids=["empty", "garbage", "utf-16", "cut off", "deep", "list", "nothing in it", "another format"],
    )
    def test_what_is_no_plan_file_is_refused(self, content: bytes, says: str, tmp_path: Path) -> None:
        url, path = f"sqlite:///{tmp_path}/tracker.db", tmp_path / "plan.json"
        must(run_tracker("migrate", database_url=url))
        path.write_bytes(content)
        said = run_tracker("load", str(path), database_url=url)
        assert said.is_refusal_in_words()
        assert said.err.startswith(says)

    @pytest.mark.parametrize("arguments", [[], ["--sample", str(SAMPLE)]], ids=["neither", "both"])
    def test_takes_a_file_or_the_sample(self, arguments: list[str]) -> None:
        said = run_tracker("load", *arguments)
        assert said.is_refusal_in_words()
        assert "Name one plan file, or say --sample." in said.err


NAMED = ("--name", "Tester")
ADMIN, MANAGER = ("--role", "admin"), ("--role", "manager")
FOR_COUNCIL = ("--organisation", "lcc")


class TestTokenCreate:
    def test_prints_the_token_and_nothing_else(self, sample_url: str) -> None:
        said = must(run_tracker("token", "create", *NAMED, *MANAGER, *FOR_COUNCIL, database_url=sample_url))
        assert PATTERN.fullmatch(said.removesuffix("\n"))
        assert said.count("\n") == 1

    def test_keeps_what_was_asked_for(self, sample_url: str) -> None:
        options = (*MANAGER, *ADMIN, *FOR_COUNCIL, "--scope", "read", "--scope", "plan", "--expires-days", "7")
        said = must(run_tracker("token", "create", *NAMED, *options, database_url=sample_url))

        def look(connection: Connection) -> tuple[Any, ...]:
            token = connection.execute(select(access_token)).one()
            roles = connection.execute(select(user_role.c.role, user_role.c.organisation_id).order_by(user_role.c.role))
            return token.scopes, token.expires_at - token.created_at, [tuple(row) for row in roles], token.public_id

        assert run_once(sample_url, look) == (
            ["plan", "read"],
            timedelta(days=7),
            [("admin", 1), ("manager", 1)],
            said.split("_")[1],
        )

    def test_has_every_scope_and_ninety_days_unless_told(self, sample_url: str) -> None:
        must(run_tracker("token", "create", *NAMED, *MANAGER, *FOR_COUNCIL, database_url=sample_url))
        token = run_once(sample_url, lambda connection: connection.execute(select(access_token)).one())
        assert (set(token.scopes), token.expires_at - token.created_at) == (set(Scope), timedelta(days=90))

    def test_the_first_admin_needs_no_organisation_and_the_second_does(self, database_url: str) -> None:
        must(run_tracker("token", "create", *NAMED, *ADMIN, database_url=database_url))
        before = all_rows(database_url)
        said = run_tracker("token", "create", *NAMED, *ADMIN, database_url=database_url)
        assert said.is_refusal_in_words()
        assert "Say --organisation REF" in said.err
        assert all_rows(database_url) == before

    @pytest.mark.parametrize("roles", [MANAGER, (*ADMIN, *MANAGER)])
    def test_the_first_of_another_role_needs_an_organisation(self, database_url: str, roles: tuple[str, ...]) -> None:
        said = run_tracker("token", "create", *NAMED, *roles, database_url=database_url)
        assert said.is_refusal_in_words()
        assert "Only the very first admin needs none." in said.err

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ((*MANAGER, "--organisation", "nobody"), "There is no organisation with the ref nobody."),
            ((*MANAGER, "--organisation", "LCC"), "There is no organisation with the ref LCC."),
            ((*MANAGER, "--organisation", "\udcff"), "There is no organisation with the ref"),
            (("--role", "king", *FOR_COUNCIL), "'king' is not one of"),
            (FOR_COUNCIL, "Missing option '--role'"),
            ((*MANAGER, *FOR_COUNCIL, "--scope", "all"), "'all' is not one of"),
            ((*MANAGER, *FOR_COUNCIL, "--expires-days", "0"), "0 is not in the range 1<=x<=365"),
            ((*MANAGER, *FOR_COUNCIL, "--expires-days", "366"), "366 is not in the range 1<=x<=365"),
            ((*MANAGER, *FOR_COUNCIL, "--expires-days", "-1"), "-1 is not in the range"),
            ((*MANAGER, *FOR_COUNCIL, "--expires-days", "9" * 30), "is not in the range"),
            ((*MANAGER, *FOR_COUNCIL, "--expires-days", "ten"), "'ten' is not a valid integer"),
            ((*MANAGER, *FOR_COUNCIL, "--name", ""), "Write 1 to 300 characters."),
            ((*MANAGER, *FOR_COUNCIL, "--name", " "), "Write 1 to 300 characters."),
            ((*MANAGER, *FOR_COUNCIL, "--name", "x" * 301), "Write 1 to 300 characters."),
            ((*MANAGER, *FOR_COUNCIL, "--name", "\udcff"), "Write 1 to 300 characters."),
        ],
        ids=lambda value: ascii(value)[-40:],
    )
    def test_what_cannot_be_is_refused_and_nobody_is_made(
        self, sample_url: str, options: tuple[str, ...], says: str
    ) -> None:
        said = run_tracker("token", "create", *NAMED, *options, database_url=sample_url)
        assert said.is_refusal_in_words()
        assert says in said.err
        rows = all_rows(sample_url)
        assert (rows["user_account"], rows["access_token"], len(rows["stamp"])) == ([], [], 1)

    def test_needs_the_tables(self, database_url: str) -> None:
        run_once(database_url, downgrade)
        said = run_tracker("token", "create", *NAMED, *ADMIN, database_url=database_url)
        assert (said.is_refusal_in_words(), said.err) == (True, NOT_MIGRATED)


class TestSettings:
    def test_the_help_of_serve_lists_every_setting_and_what_it_is_for(self) -> None:
        said = must(run_tracker("serve", "--help"))
        flat = " ".join(said.split())
        for name, field in Settings.model_fields.items():
            assert f"{PREFIX}{name.upper()} {field.description}" in flat

    @pytest.mark.parametrize("command", [["serve"], ["demo"], ["migrate"], ["load", "--sample"]], ids=" ".join)
    def test_an_unknown_setting_is_refused(self, command: list[str]) -> None:
        said = run_tracker(*command, prot=1)
        assert (said.is_refusal_in_words(), said.err) == (
            True,
            "TRACKER_PROT: there is no such setting; `tracker serve --help` lists them.\n",
        )

    def test_a_bad_value_is_refused_with_what_the_setting_is_for(self) -> None:
        said = run_tracker("serve", port="http")
        assert said.is_refusal_in_words()
        assert re.fullmatch(r"TRACKER_PORT cannot be used: .*\. It says: Port to listen on\.\n", said.err)

    @pytest.mark.parametrize(
        ("option", "value"),
        [("--port", "65536"), ("--port", "-1"), ("--port", "http"), ("--workers", "0"), ("--workers", "65")],
    )
    def test_an_option_out_of_range_is_refused(self, option: str, value: str) -> None:
        said = run_tracker("serve", option, value)
        assert said.is_refusal_in_words()
        assert f"Invalid value for '{option}'" in said.err


AWAY = "The database cannot be reached."


class TestDatabasesThatAreNot:
    @pytest.mark.parametrize(
        ("url", "says"),
        [
            ("nonsense", "TRACKER_DATABASE_URL must start with sqlite:/// or postgresql://"),
            ("mysql://u:secret@h/x", "TRACKER_DATABASE_URL must start with sqlite:/// or postgresql://"),
            (
                "postgresql://u:secret@127.0.0.1:abc/x",
                "TRACKER_DATABASE_URL must start with sqlite:/// or postgresql://",
            ),
            ("postgresql://u:secret@127.0.0.1:1/x?foo=bar", "TRACKER_DATABASE_URL: leave out foo, which is not known."),
            ("postgresql://u:secret@127.0.0.1:1/x", AWAY),
            ("postgresql:///x?host=/nowhere", AWAY),
        ],
    )
    @pytest.mark.parametrize("command", [["migrate"], ["serve"], ["load", "--sample"]], ids=" ".join)
    def test_an_address_that_leads_nowhere_is_refused(self, command: list[str], url: str, says: str) -> None:
        said = run_tracker(*command, database_url=url)
        assert said.is_refusal_in_words()
        assert said.err.startswith(says)
        assert "secret" not in said.err

    @pytest.mark.parametrize("command", [["migrate"], ["serve"], ["backup", "/dev/null"]], ids=" ".join)
    def test_a_file_that_is_no_database_is_refused(self, command: list[str], tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("These are notes, and long enough to be looked into. " * 40)
        said = run_tracker(*command, database_url=f"sqlite:///{tmp_path}/notes.txt")
        assert (said.is_refusal_in_words(), said.err) == (True, "The database refused: file is not a database\n")

    def test_a_folder_that_cannot_be_made_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        said = run_tracker("migrate", data_dir=tmp_path / "file" / "data")
        path = tmp_path / "file" / "data" / "tracker.db"
        assert (said.is_refusal_in_words(), said.err) == (
            True,
            f"The SQLite file {path} cannot be made: Not a directory.\n",
        )

    def test_a_folder_in_the_place_of_the_file_is_refused(self, tmp_path: Path) -> None:
        assert run_tracker("migrate", database_url=f"sqlite:///{tmp_path}").is_refusal_in_words()

    def test_a_name_that_the_server_does_not_have_is_refused(self, postgresql_server: str) -> None:
        url = make_url(postgresql_server).set(database="nowhere").render_as_string(hide_password=False)
        said = run_tracker("migrate", database_url=url)
        assert said.is_refusal_in_words()
        assert 'database "nowhere" does not exist' in said.err

    def test_a_table_that_somebody_took_away_is_told_in_words(self, database_url: str) -> None:
        run_once(database_url, lambda connection: connection.exec_driver_sql("ALTER TABLE change RENAME TO mine"))
        said = run_tracker("load", "--sample", database_url=database_url)
        assert said.is_refusal_in_words()
        assert said.err.startswith("The database refused: ")
        assert "change" in said.err

    def test_a_database_of_something_else_is_left_alone(self, database_url: str) -> None:
        run_once(database_url, downgrade)
        run_once(database_url, lambda connection: connection.exec_driver_sql("CREATE TABLE milestone (distance int)"))
        said = run_tracker("migrate", database_url=database_url)
        assert said.is_refusal_in_words()
        assert said.err.startswith("The database refused: ")
        assert "milestone" in said.err
        assert "CREATE TABLE" not in said.err


def test_the_demonstration_stops_before_it_has_done_anything_where_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run_tracker("demo", data_dir=tmp_path / "data", port=port)
    assert said.is_refusal_in_words()
    assert said.err.startswith(f"Error: Cannot listen on 127.0.0.1:{port}: ")
    assert not (tmp_path / "data").exists()


def test_a_host_that_is_not_this_machine_is_refused(tmp_path: Path) -> None:
    said = run_tracker("demo", data_dir=tmp_path / "data", host="host.invalid")
    assert said.is_refusal_in_words()
    assert said.err.startswith("Error: Cannot listen on host.invalid:8000: ")


@pytest.mark.parametrize("arguments", [["fly"], ["token"], ["restore"], ["backup"], ["--fast"]], ids=" ".join)
def test_a_command_that_is_not_shows_how_it_is_done(arguments: list[str]) -> None:
    said = run_tracker(*arguments)
    assert said.is_refusal_in_words()
    assert "Usage: tracker" in said.err
