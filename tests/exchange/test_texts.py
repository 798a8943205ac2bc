"""Whatever people write goes out in a file and comes back as it was, or is refused with its cell named.

TRACKER_TEST_EXAMPLES=1000 tries 10,000 texts in each form of file, and the usual run some hundreds.
"""

import io
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from service.plan.models import milestone
from tests.conftest import Api
from tests.factories import Body, make_milestone

ROWS = 100
EXAMPLES = 100 if os.environ.get("TRACKER_TEST_EXAMPLES") else 4  # noqa: TID251 It is no setting of the service.
# Surrogates and NUL are refused before they are kept. What means something to a cell comes often.
ODD = st.sampled_from(
    [*"=+-@\t\r\n'\"<>&;,_|\\ \x0b\x1f\x7f\x85\xa0\u2028\ufeff", "\r\n", "_x0041_", "''", "0", "TRUE"]
)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
TEXTS = st.lists(ODD | CHARACTERS, max_size=12).map("".join) | st.text(CHARACTERS, max_size=40)
many_texts = given(texts=st.lists(TEXTS, min_size=ROWS, max_size=ROWS))
unhurried = settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def ids(served: Api) -> list[int]:
    """Milestones to write texts into."""
    return [make_milestone(served, 1, ref=f"TEXT-{number}", title=f"Text {number}")["id"] for number in range(ROWS)]


def put(api: Api, texts: dict[int, str]) -> None:
    """Have milestones say something, as if they always had."""

    def act(connection: Connection) -> None:
        for row_id, text in texts.items():
            connection.execute(update(milestone).where(milestone.c.id == row_id).values(description=text))

    api.run(act)


def said(api: Api, ids: list[int]) -> dict[int, str]:
    """Return what milestones say."""

    def ask(connection: Connection) -> dict[int, str]:
        found = select(milestone.c.id, milestone.c.description).where(milestone.c.id.in_(ids))
        return {row.id: row.description for row in connection.execute(found)}

    return api.look(ask)


def sent(api: Api, content: bytes, name: str, **more: str) -> Body:
    """Send a file in, and return what it would change."""
    asked = {"strategy_id": "1", **more}
    answer = api.call("POST", "/v1/imports", files={"file": (name, io.BytesIO(content))}, data=asked)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@unhurried
@many_texts
def test_a_text_that_went_out_comes_back(served: Api, ids: list[int], form: str, texts: list[str]) -> None:
    wanted = dict(zip(ids, texts, strict=True))
    put(served, wanted)
    address = "/v1/strategies/1/workbook" if form == "xlsx" else "/v1/milestones?format=csv"
    answer = served.get(address)
    if any(each in text for text in texts for each in "\ufffe\uffff") and form == "xlsx":
        # No worksheet can hold these: it says where they are.
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["pointer"].startswith("/Milestones/")) == (422, True)
        assert "TEXT-" in fault["detail"]
        return
    assert answer.status_code == 200, answer.text
    more: dict[str, Any] = {} if form == "xlsx" else {"sheet": "Milestones"}
    again = sent(served, answer.content, f"plan.{form}", **more)
    moved = [
        (line["status"], line["changes"], line["errors"]) for line in again["rows"] if line["status"] != "unchanged"
    ]
    assert moved == []
    put(served, dict.fromkeys(ids, ""))
    changes = sent(served, answer.content, f"plan.{form}", **more)
    refused = {cell for line in changes["rows"] for cell in line["errors"]}
    assert refused == set()
    applied = served.post(f"/v1/imports/{changes['id']}/apply", {"sha256": changes["sha256"], "accept": []})
    assert applied.status_code == 200, applied.text
    found = said(served, ids)
    # A cell with nothing but blanks is an empty one.
    filled = {each: text if text.strip() else "" for each, text in wanted.items()}
    assert [(found[each], filled[each]) for each in ids if found[each] != filled[each]] == []
