"""A backup that is none, or no longer what it was: it is refused in words, and nothing has changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.cli.command import must, run_tracker
from tests.conftest import ENGINES, run_once
from tests.database.archives import MANIFEST, Parts, claim, edit, forge, lose, packed, parts_of, put
from tests.database.conftest import MakeDatabase, Rows, restore
from tests.database.schemas import schema_of
from tests.factories import all_rows


@dataclass
class Bad:
    """How a good backup goes bad, what is said of it, and whether it is the database that finds out."""

    act: Callable[[Parts], object]
    says: str
    is_found_by_database: bool = False


NO_BACKUP, DAMAGED = "is not a backup of this service.", "is damaged: it is not as it was written."
BAD = {
    "other-revision": Bad(claim(revision="0000"), "The backup is of revision 0000: restore it with that version."),
    "no-revision": Bad(claim(revision=None), "The backup is of revision None: restore it with that version."),
    "no-manifest": Bad(lose(MANIFEST), NO_BACKUP),
    "manifest-of-another-program": Bad(put(MANIFEST, b'{"format": "other"}'), NO_BACKUP),
    "manifest-no-json": Bad(put(MANIFEST, b"\xff{"), NO_BACKUP),
    "manifest-a-list": Bad(put(MANIFEST, b"[]"), NO_BACKUP),
    "newer-format": Bad(claim(format_version=2), NO_BACKUP),
    "counts-are-words": Bad(claim(rows={"stamp": "many"}), NO_BACKUP),
    "counts-are-missing": Bad(claim(rows={}), DAMAGED),
    "digests-are-missing": Bad(claim(digests={}), DAMAGED),
    "a-table-is-missing": Bad(lose("milestone.jsonl"), DAMAGED),
    "a-row-is-missing": Bad(lambda parts: parts.update({"funding_award.jsonl": b""}), DAMAGED),
    "a-word-was-edited": Bad(edit("milestone.jsonl", b"Draft", b"Final"), DAMAGED),
    "a-figure-was-edited": Bad(
        edit("status_update.jsonl", b'"percent_complete":100', b'"percent_complete":10'), DAMAGED
    ),
    "a-line-is-cut": Bad(lambda parts: parts.update({"stamp.jsonl": parts["stamp.jsonl"][:-9]}), DAMAGED),
    "a-line-is-no-row": Bad(forge("stamp", lambda rows: rows.append(None)), DAMAGED),  # type: ignore[arg-type]
    "a-column-is-missing": Bad(forge("stamp", lambda rows: rows[0].pop("at")), DAMAGED),
    "a-column-too-many": Bad(forge("stamp", lambda rows: rows[0].update(more=1)), DAMAGED),
    "a-number-is-a-word": Bad(forge("priority", lambda rows: rows[0].update(position="first")), DAMAGED),
    "a-number-is-too-large": Bad(
        forge("milestone", lambda rows: rows[0].update(weight=2**70)), DAMAGED, is_found_by_database=True
    ),
    "an-instant-is-too-late": Bad(forge("stamp", lambda rows: rows[0].update(at=2**62)), DAMAGED),
    "an-instant-is-a-word": Bad(forge("stamp", lambda rows: rows[0].update(at="now")), DAMAGED),
    "a-day-that-is-not": Bad(forge("milestone", lambda rows: rows[0].update(agreed_on="2019-02-30")), DAMAGED),
    "an-amount-is-none": Bad(
        forge("funding_award", lambda rows: rows[0].update(amount="NaN")), DAMAGED, is_found_by_database=True
    ),
    "a-value-is-nan": Bad(forge("observation", lambda rows: rows[0].update(value=float("nan"))), DAMAGED),
    "a-word-is-a-list": Bad(forge("board", lambda rows: rows[0].update(name=["x"])), DAMAGED),
    "a-row-stands-twice": Bad(forge("board", lambda rows: rows.append(rows[0])), DAMAGED, is_found_by_database=True),
    "a-rule-is-broken": Bad(
        forge("milestone", lambda rows: rows[0].update(weight=0)), DAMAGED, is_found_by_database=True
    ),
    "a-reference-leads-nowhere": Bad(
        forge("milestone", lambda rows: rows[0].update(owner_id=999)), DAMAGED, is_found_by_database=True
    ),
    "a-parent-is-missing": Bad(forge("organisation", lambda rows: rows[0].update(parent_id=999)), DAMAGED),
    "parents-in-a-ring": Bad(
        forge("board", lambda rows: (rows[0].update(parent_id=2), rows[1].update(parent_id=1))), DAMAGED
    ),
    "a-need-is-not-met": Bad(
        forge("board", lambda rows: rows[0].update(name=None)), DAMAGED, is_found_by_database=True
    ),
}


BAD_ON = [("sqlite", name) for name in BAD]
BAD_ON += [("postgresql", name) for name in BAD if BAD[name].is_found_by_database]


@pytest.fixture(scope="module")
def empty_database(new_database: MakeDatabase) -> MakeDatabase:
    """A function that gives a database with tables and without rows, the same each time; a test leaves it so."""

    @cache
    def give(engine: str) -> str:
        url = new_database(engine)
        must(run_tracker("migrate", database_url=url))
        return url

    return give


def is_empty(url: str) -> bool:
    return not any(all_rows(url).values())


@pytest.mark.parametrize(("engine", "name"), BAD_ON)
def test_a_bad_backup_is_refused_and_leaves_nothing(
    empty_database: MakeDatabase, engine: str, good: Path, name: str, tmp_path: Path
) -> None:
    empty_url, parts = empty_database(engine), parts_of(good)
    BAD[name].act(parts)
    said = restore(empty_url, packed(parts, tmp_path / "bad.zip"))
    assert said.is_refusal_in_words()
    assert said.err.removeprefix(f"{tmp_path / 'bad.zip'} ") == BAD[name].says + "\n"
    assert is_empty(empty_url)


@pytest.mark.parametrize(
    "name", ["other-revision", "no-manifest", "a-word-was-edited", "a-row-stands-twice", "a-reference-leads-nowhere"]
)
def test_what_a_bad_backup_should_have_replaced_is_still_there(
    held_url: str, held_rows: Rows, good: Path, name: str, tmp_path: Path
) -> None:
    parts, schema = parts_of(good), run_once(held_url, schema_of)
    BAD[name].act(parts)
    assert restore(held_url, packed(parts, tmp_path / "bad.zip"), "--replace").is_refusal_in_words()
    assert (all_rows(held_url), run_once(held_url, schema_of)) == (held_rows, schema)


def test_a_good_backup_packed_by_somebody_else_is_taken(good: Path, new_database: MakeDatabase, tmp_path: Path) -> None:
    must(restore(new_database("sqlite"), packed(parts_of(good), tmp_path / "same.zip")))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bad_backup_leaves_a_database_without_tables_without_tables(
    engine: str, good: Path, new_database: MakeDatabase, tmp_path: Path
) -> None:
    url, parts = new_database(engine), parts_of(good)
    BAD["a-word-was-edited"].act(parts)
    assert restore(url, packed(parts, tmp_path / "bad.zip")).is_refusal_in_words()
    assert run_once(url, schema_of) == {}


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99, 0.9999])
def test_a_backup_that_is_cut_off_is_refused(
    empty_database: MakeDatabase, good: Path, share: float, tmp_path: Path
) -> None:
    empty_url, cut = empty_database("sqlite"), tmp_path / "cut.zip"
    whole = good.read_bytes()
    cut.write_bytes(whole[: int(len(whole) * share)])
    said = restore(empty_url, cut)
    assert (said.is_refusal_in_words(), said.err) == (True, f"{cut} {NO_BACKUP}\n")
    assert is_empty(empty_url)


def test_a_backup_in_which_a_bit_has_turned_is_refused(
    empty_database: MakeDatabase, good: Path, tmp_path: Path
) -> None:
    empty_url, turned = empty_database("sqlite"), tmp_path / "turned.zip"
    raw = bytearray(good.read_bytes())
    raw[raw.index(b"milestone.jsonl") + 200] ^= 1
    turned.write_bytes(raw)
    said = restore(empty_url, turned)
    assert (said.is_refusal_in_words(), said.err) == (True, f"{turned} {DAMAGED}\n")
    assert is_empty(empty_url)


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b'{"format": "partnership-plan"}', bytes(range(256)) * 40, b"PK\x05\x06" + bytes(18)]
)
def test_a_file_of_another_kind_is_refused(empty_database: MakeDatabase, content: bytes, tmp_path: Path) -> None:
    empty_url, other = empty_database("sqlite"), tmp_path / "other"
    other.write_bytes(content)
    said = restore(empty_url, other)
    assert (said.is_refusal_in_words(), said.err) == (True, f"{other} {NO_BACKUP}\n")
    assert is_empty(empty_url)
