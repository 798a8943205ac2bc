"""Webhooks: what changes is told to whom it concerns, signed, at least once, and never into our own network."""

import json
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.automation import webhooks as telling
from service.automation.outbox import FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS, wait_after
from service.automation.posting import is_outside
from tests.automation.conftest import Do, Moment, Receiver
from tests.conftest import Api
from tests.factories import Plan, make_plan, published_report, report

# What is posted where has nothing to do with the database.
of_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
HERE = {"webhook_networks": ["127.0.0.0/8"]}


@pytest.fixture
def plan(moment: Moment, api: Api) -> Plan:
    """A plan to report on."""
    assert moment
    made = make_plan(api)
    api.made("/v1/report-schedules", strategy_id=made.strategy, makes_drafts=False)
    return made


def open_webhook(api: Api, strategy: int, url: str, ref: str = "hook", **values: Any) -> tuple[str, str]:
    """Make a webhook with a secret, and return its address and the secret."""
    made = api.made("/v1/webhooks", strategy_id=strategy, ref=ref, url=url, **values)
    where = f"/v1/webhooks/{made['id']}"
    return where, make_secret(api, where)


def make_secret(api: Api, where: str, hours: int = 24) -> str:
    """Make the secret of a webhook anew."""
    answer = api.post(f"{where}/secret", {"keep_previous_hours": hours})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["secret"])


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """Return the events that a receiver took."""
    return [json.loads(body) for _, body in receiver.taken]


def test_a_change_is_told_once_and_its_signature_holds(api: Api, plan: Plan, do_due: Do, receiver: Receiver) -> None:
    _, secret = open_webhook(api, plan.strategy, f"{receiver.url}/tracker?of=1")
    made = report(api, plan.milestone, status="in_progress")
    assert do_due(**HERE, public_url="https://tracker.example.org").delivered == 1
    ((headers, body),) = receiver.taken
    event = Webhook(secret).verify(body, headers)
    assert event["type"] == "update.created"
    assert (event["data"]["resource"], event["data"]["resource_id"]) == ("updates", made["id"])
    assert event["data"]["href"].startswith(f"https://tracker.example.org/v1/updates/{made['id']}?known_at=")
    assert event["timestamp"] == event["data"]["recorded_at"]
    assert headers["content-type"] == "application/json"
    assert do_due(**HERE).delivered == 0
    (row,) = api.get("/v1/deliveries").json()["items"]
    assert (row["kind"], row["event"], row["attempts"], row["error"]) == ("webhook", "update.created", 1, None)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_nothing_before_the_secret_is_told_and_nothing_of_another_strategy(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver
) -> None:
    other = make_plan(api, "-other")
    api.made("/v1/report-schedules", strategy_id=other.strategy, makes_drafts=False)
    made = api.made("/v1/webhooks", strategy_id=plan.strategy, ref="hook", url=receiver.url)
    report(api, plan.milestone, status="in_progress")
    assert do_due(**HERE).delivered == 0
    make_secret(api, f"/v1/webhooks/{made['id']}")
    report(api, other.milestone, status="in_progress")
    api.patch(f"/v1/boards/{plan.board}", {"name": "Of no strategy"})
    assert do_due(**HERE).delivered == 0
    api.patch(f"/v1/milestones/{plan.milestone}", {"title": "Changed"})
    assert do_due(**HERE).delivered == 1
    assert [each["type"] for each in told(receiver)] == ["milestone.updated"]


def test_it_is_told_what_it_asked_for(api: Api, plan: Plan, do_due: Do, receiver: Receiver) -> None:
    open_webhook(api, plan.strategy, receiver.url, events=["milestone.deleted", "report.published", "report.withdrawn"])
    api.patch(f"/v1/milestones/{plan.milestone}", {"title": "Changed"})
    made = published_report(api, plan.strategy)
    api.post(f"/v1/reports/{made['id']}/withdraw", {"reason": "Wrong."})
    api.delete(f"/v1/milestones/{plan.milestone}")
    do_due(**HERE)
    found = told(receiver)
    assert sorted(each["type"] for each in found) == ["milestone.deleted", "report.published", "report.withdrawn"]
    assert [each["data"]["href"] for each in found if each["type"] == "milestone.deleted"] == [None]


def test_every_event_of_a_long_feed_is_told(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "EVENTS_AT_ONCE", 3)
    open_webhook(api, plan.strategy, receiver.url)
    made = [report(api, plan.milestone, status="in_progress", percent_complete=each)["id"] for each in range(1, 12)]
    assert do_due(**HERE).delivered == len(made)
    assert sorted(each["data"]["resource_id"] for each in told(receiver)) == made


def test_a_new_secret_takes_the_place_of_the_old_one_without_a_gap(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver, moment: Moment
) -> None:
    where, first = open_webhook(api, plan.strategy, receiver.url)
    second = make_secret(api, where)
    assert first != second
    report(api, plan.milestone, status="in_progress")
    do_due(**HERE)
    ((headers, body),) = receiver.taken
    for secret in (first, second):
        assert Webhook(secret).verify(body, headers)
    third = make_secret(api, where, hours=0)
    report(api, plan.milestone, status="on_hold")
    do_due(**HERE)
    headers, body = receiver.taken[-1]
    assert Webhook(third).verify(body, headers)
    for secret in (first, second):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)
    assert "whsec_" not in api.get(where).text + api.get(f"{where}/history").text + api.get("/v1/deliveries").text
    assert moment


def test_what_fails_is_tried_again_later_with_the_same_id(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver, moment: Moment
) -> None:
    open_webhook(api, plan.strategy, receiver.url)
    report(api, plan.milestone, status="in_progress")
    receiver.statuses = [503, 500, 204]
    assert do_due(**HERE).delivered == 0
    (row,) = api.get("/v1/deliveries").json()["items"]
    assert (row["attempts"], row["error"]) == (1, "The receiver answered 503.")
    assert do_due(**HERE).delivered == 0
    assert len(receiver.taken) == 1
    moment.forward(wait_after(1))
    assert do_due(**HERE).delivered == 0
    assert len(receiver.taken) == 2
    moment.forward(wait_after(1))
    assert do_due(**HERE).delivered == 0
    assert len(receiver.taken) == 2
    moment.forward(wait_after(2) - wait_after(1))
    assert do_due(**HERE).delivered == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert len({body for _, body in receiver.taken}) == 1


def test_who_does_not_answer_is_not_asked_for_every_event(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver, moment: Moment
) -> None:
    open_webhook(api, plan.strategy, receiver.url)
    for percent in range(10):
        report(api, plan.milestone, status="in_progress", percent_complete=percent)
    receiver.statuses = [503]
    do_due(**HERE)
    # As many as are brought at once, and no more.
    assert len(receiver.taken) <= 4
    receiver.statuses = [204]
    moment.forward(timedelta(minutes=2))
    assert do_due(**HERE).delivered == 10


def test_it_is_given_up_in_the_end_and_can_be_sent_again(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver, moment: Moment
) -> None:
    open_webhook(api, plan.strategy, receiver.url)
    report(api, plan.milestone, status="in_progress")
    receiver.statuses = [500]
    for _ in range(MOST_ATTEMPTS + 2):
        do_due(**HERE)
        moment.forward(LONGEST_WAIT)
    assert len(receiver.taken) == MOST_ATTEMPTS
    (row,) = api.get("/v1/deliveries").json()["items"]
    assert (row["attempts"], row["next_at"], row["done_at"]) == (MOST_ATTEMPTS, None, None)
    receiver.statuses = [204]
    where = f"/v1/deliveries/{row['id']}/send"
    assert api.call("POST", where).status_code == 200
    refused = api.call("POST", where)
    assert (refused.status_code, "waits already" in refused.json()["detail"]) == (409, True)
    assert do_due(**HERE).delivered == 1
    assert receiver.taken[-1][0]["webhook-id"] == receiver.taken[0][0]["webhook-id"]


def test_a_redirect_is_not_followed(api: Api, plan: Plan, do_due: Do, receiver: Receiver) -> None:
    open_webhook(api, plan.strategy, receiver.url)
    report(api, plan.milestone, status="in_progress")
    receiver.statuses = [307]
    assert do_due(**HERE).delivered == 0
    assert len(receiver.taken) == 1
    assert api.get("/v1/deliveries").json()["items"][0]["error"] == "The receiver answered 307."


def test_who_is_gone_is_not_asked_again(api: Api, plan: Plan, do_due: Do, receiver: Receiver, moment: Moment) -> None:
    where, _ = open_webhook(api, plan.strategy, receiver.url)
    report(api, plan.milestone, status="in_progress")
    receiver.statuses = [410]
    do_due(**HERE)
    assert api.get("/v1/deliveries").json()["items"][0]["next_at"] is None
    receiver.statuses = [503]
    report(api, plan.milestone, status="on_hold")
    do_due(**HERE)
    assert api.delete(where).status_code == 204
    moment.forward(LONGEST_WAIT)
    do_due(**HERE)
    last = api.get("/v1/deliveries").json()["items"][-1]
    assert (last["next_at"], last["error"]) == (None, "The webhook was deleted.")
    assert len(receiver.taken) == 2


@of_one_engine
@pytest.mark.parametrize(
    ("url", "networks", "told"),
    [
        ("http://127.0.0.1:{port}", [], "inside the network"),
        ("http://localhost:{port}", [], "inside the network"),
        ("https://127.0.0.1:{port}", ["10.0.0.0/8"], "inside the network"),
        ("http://[::ffff:127.0.0.1]:{port}", [], "inside the network"),
        ("http://[::1]:{port}", ["127.0.0.0/8"], "inside the network"),
        ("http://0.0.0.0:{port}", [], "inside the network"),
        ("http://2130706433:{port}", [], "inside the network"),
        ("http://93.184.215.14", [], "must be called by https"),
        ("https://nobody.invalid", [], "is not known"),
    ],
)
def test_nothing_is_posted_into_our_own_network(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver, url: str, networks: list[str], told: str
) -> None:
    open_webhook(api, plan.strategy, url.format(port=receiver.url.rpartition(":")[2]))
    report(api, plan.milestone, status="in_progress")
    assert do_due(webhook_networks=networks).delivered == 0
    assert told in api.get("/v1/deliveries").json()["items"][0]["error"]
    assert receiver.taken == []


@of_one_engine
@pytest.mark.parametrize(
    "url",
    [
        *("https://", "https:///path", "https://example.org:99999", "https://example.org:port", "https://[::1"),
        *("https://user:password@example.org", "https://example.org/#part", "https://exämple.org", "ftp://example.org"),
    ],
)
def test_an_address_that_nothing_can_be_posted_to_is_refused(api: Api, plan: Plan, url: str) -> None:
    answer = api.post("/v1/webhooks", {"strategy_id": plan.strategy, "ref": "hook", "url": url})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")


def test_a_receiver_without_the_right_certificate_is_told_nothing(
    api: Api, plan: Plan, do_due: Do, receiver: Receiver
) -> None:
    open_webhook(api, plan.strategy, receiver.url.replace("http:", "https:"))
    report(api, plan.milestone, status="in_progress")
    assert do_due(**HERE).delivered == 0
    assert api.get("/v1/deliveries").json()["items"][0]["error"].startswith("The address could not be reached")
    assert receiver.taken == []


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",  # noqa: S104 It is no binding.
            "224.0.0.1",
        ),
        *("255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00::1"),
        *("ff02::1", "ff0e::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001::1"),
    ],
)
def test_these_addresses_are_inside(address: str) -> None:
    assert not is_outside(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2002:101:101::"])
def test_these_addresses_are_outside(address: str) -> None:
    assert is_outside(ip_address(address))


def test_waiting_grows_up_to_a_limit() -> None:
    waits = [wait_after(each) for each in range(1, MOST_ATTEMPTS)]
    assert waits[0] == FIRST_WAIT
    assert all(later == min(2 * earlier, LONGEST_WAIT) for earlier, later in zip(waits, waits[1:], strict=False))
