"""The examples in the OpenAPI document are what the service says."""

import json

import pytest

from service.core import clock
from tests.conftest import SAMPLE, Api, load_file
from tests.contract.sample_answers import ANSWERS, AS_IF, answers_of


def test_the_examples_are_real_answers(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AS_IF)
    api.run(lambda connection: load_file(connection, SAMPLE.read_bytes()))
    assert answers_of(api) == json.loads(ANSWERS.read_text())
