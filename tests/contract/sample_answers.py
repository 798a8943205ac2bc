"""The example answers of the OpenAPI document: real ones of the sample plan, with the clock standing still.

`python -m tests.contract.sample_answers` writes them anew; a test holds the committed ones against the service.
"""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from service.access.callers import TOO_OFTEN
from service.access.roles import Role
from service.core import clock
from service.core.db import BUSY
from service.core.migrations import migrate
from service.core.problems import problem
from tests.conftest import SAMPLE, Api, load_file, run_once, serving
from tests.factories import noted_delivery

ANSWERS = SAMPLE.with_name("answers.json")
AS_IF = datetime(2019, 1, 15, 9, 0, tzinfo=UTC)
COLLECTIONS = {
    "organisation": ("organisations", 2),
    "owner": ("owners", 1),
    "board": ("boards", 3),
    "area": ("areas", 2),
    "strategy": ("strategies", 1),
    "priority": ("priorities", 4),
    "workstream": ("workstreams", 6),
    "milestone": ("milestones", 11),
    "decision": ("decisions", 2),
    "funding_award": ("funding-awards", 2),
    "indicator": ("indicators", 2),
}
CREATIONS: dict[str, dict[str, Any]] = {
    "organisation": {"ref": "llr-nhs", "name": "NHS partners of the sub-region", "kind": "nhs"},
    "owner": {"ref": "head-of-housing", "post": "Head of Housing", "organisation_id": 8},
    "board": {"ref": "da-operations", "name": "Domestic abuse operations group", "parent_id": 6},
    "area": {"ref": "rutland-east", "name": "East Rutland", "kind": "locality", "parent_id": 4},
    "strategy": {"ref": "prevention", "title": "Prevention strategy", "starts_on": "2019-04-01", "board_ids": [3]},
    "priority": {"strategy_id": 1, "ref": "safe-homes", "title": "Safe homes"},
    "workstream": {
        "strategy_id": 1,
        "ref": "safe-at-home",
        "title": "Safe at home",
        "heading": "Domestic abuse and sexual violence",
        "priority_ids": [4],
        "lead_organisation_id": 2,
        "partners": [{"organisation_id": 9, "role": "funder"}],
    },
    "milestone": {
        "workstream_id": 6,
        "ref": "HOPE-11",
        "title": "Lessons shared with housing departments",
        "owner_id": 1,
        "due_on": "2020-03-31",
        "due_precision": "quarter",
    },
    "decision": {"board_id": 1, "ref": "lscsb-2019-03", "kind": "note", "text": "Progress noted", "priority_ids": [4]},
    "funding_award": {"workstream_id": 6, "ref": "hope-opcc", "funder_id": 9, "amount": "5000.00", "status": "bid"},
    "indicator": {
        "strategy_id": 1,
        "ref": "refuge-turned-away",
        "title": "Turned away from refuge",
        "unit": "percent",
        "polarity": "low_good",
        "comparator": "National",
        "priority_ids": [4],
    },
}
CHANGES: dict[str, dict[str, Any]] = {
    "milestone": {"due_on": "2019-02-28", "change_reason": "The practitioner starts in February."},
    "owner": {"post": "Director of Public Health and Prevention"},
    "decision": {"outcome": "agreed"},
}
READINGS = {
    "list_updates": "/v1/updates?limit=2",
    "get_update": "/v1/updates/3",
    "list_milestone_updates": "/v1/milestones/11/updates",
    "list_observations": "/v1/observations?limit=2&strategy_id=1",
    "get_observation": "/v1/observations/3",
    "list_indicator_observations": "/v1/indicators/2/observations?limit=2",
    "list_events": "/v1/events?limit=2",
    "get_progress": "/v1/progress?strategy_id=1&group_by=priority&as_at=2018-12-10&priority_id=4",
    "get_progress_trend": "/v1/progress/trend?strategy_id=1&from=2018-07-01&to=2018-12-10&priority_id=3",
    "get_progress_changes": "/v1/progress/changes?strategy_id=1&from=2018-09-01&to=2018-12-10&priority_id=3",
    "get_priority_progress": "/v1/priorities/3/progress?as_at=2018-12-10",
    "get_workstream_progress": "/v1/workstreams/3/progress?as_at=2018-12-10",
    "get_csv_description": "/v1/areas.csv-metadata.json",
    "get_livez": "/livez",
    "get_readyz": "/readyz",
}
PUBLIC_ID = "0123456789abcdef"
USER = {
    "name": "A. N. Officer",
    "email": "officer@example.org",
    "organisation_id": 2,
    "roles": [{"organisation_id": 2, "role": "contributor"}],
}
USER_CHANGE = {"is_active": False, "change_reason": "Has left."}
TOKEN = {"name": "Power BI of the intelligence team", "scopes": ["read"], "expires_days": 90}
NAMED = {"X-Request-Id": "5f1c0a9be2d47788"}
REPORT = {"effective_on": "2019-01-14", "status": "in_progress", "percent_complete": 20, "confidence": "green"}
VALUE = {"published_on": "2019-01-10", "value": 65.0, "numerator": 65, "denominator": 100, "comparator_value": 50.0}


def problems_of(api: Api) -> dict[str, Any]:
    """Return an example of each problem document, by its status."""
    milestone, strategy = "/v1/milestones/11", {"ref": "joint-priorities", "title": "Ours", "starts_on": "2019-04-01"}
    tag = {"If-Match": '"5f0c8e1d2b3a49586f7e6d5c"'}
    plain = {"Content-Type": "text/plain"}
    met = [
        api.get("/v1/milestones?cursor=none", headers=NAMED),
        api.client.get(milestone, headers=NAMED),
        api.call("PATCH", milestone, roles=(Role.VIEWER,), json={"weight": 2}, headers={**NAMED, **tag}),
        api.get("/v1/milestones/999", headers=NAMED),
        api.post("/v1/strategies", strategy, headers=NAMED),
        api.call("PATCH", milestone, json={"weight": 2}, headers={**NAMED, **tag}),
        api.post("/v1/strategies", "x" * 1_000_000, headers=NAMED),
        api.call("POST", "/v1/strategies", content="ref: ours", headers={**NAMED, **plain}),
        api.post("/v1/milestones/11/updates", {"status": "complete", "percent_complete": 90}, headers=NAMED),
        api.call("PATCH", milestone, json={"weight": 2}, headers=NAMED),
    ]
    asked = Request({"type": "http", "request_id": NAMED["X-Request-Id"]})
    often = problem(asked, 429, TOO_OFTEN)
    busy = problem(asked, 503, BUSY)
    found = {str(answer.status_code): answer.json() for answer in met} | {
        str(each.status_code): json.loads(bytes(each.body)) for each in (often, busy)
    }
    assert len(found) == len(met) + 2, sorted(found)
    return found


def rights_of(api: Api) -> dict[str, dict[str, Any]]:
    """Return an example of each operation on users, tokens and one's own rights; what is random is made up."""
    user = api.made("/v1/users", **USER)
    address = f"/v1/users/{user['id']}"
    found: dict[str, dict[str, Any]] = {"create_user": {"request": USER, "response": user}}
    changed = api.patch(address, USER_CHANGE)
    found["change_user"] = {"request": USER_CHANGE, "response": changed.json()}
    found["get_user"] = {"response": api.get(address).json()}
    found["get_user_history"] = {"response": api.get(f"{address}/history").json()}
    found["list_users"] = {"response": api.get("/v1/users?limit=1").json()}
    found["get_me"] = {"response": api.get("/v1/me").json()}
    token = {**TOKEN, "user_id": user["id"]}
    made = api.made("/v1/tokens", **token)
    known = {"public_id": PUBLIC_ID}
    shown = {**made, **known, "token": f"trk_{PUBLIC_ID}_…"}
    found["create_token"] = {"request": token, "response": shown}
    kept = {**{name: value for name, value in made.items() if name not in ("token", "feed_url")}, **known}
    found["get_token"] = {"response": kept}
    found["list_tokens"] = {"response": {"items": [kept], "next": None}}
    return found


def imports_of(api: Api) -> dict[str, dict[str, Any]]:
    """Return an example of each operation on workbooks that come back."""
    file = {"file": ("milestones.csv", b"ref,due_on,change_reason\nSMS-2,2019-03-31,Cabinet meets later.\n")}
    asked = {"strategy_id": "1", "sheet": "Milestones"}
    sent = api.call("POST", "/v1/imports", files=file, data=asked).json()
    address = sent["id"]
    found: dict[str, dict[str, Any]] = {"preview_import": {"response": sent}}
    found["get_import"] = {"response": api.get(f"/v1/imports/{address}").json()}
    body = {"sha256": sent["sha256"]}
    applied = api.post(f"/v1/imports/{address}/apply", body)
    assert applied.status_code == 200, applied.text
    found["apply_import"] = {"request": body, "response": applied.json()}
    return found


def webhooks_of(api: Api) -> dict[str, dict[str, Any]]:
    """Return an example of each operation on webhooks and deliveries; the secret, which is never the same, is cut."""
    wanted = {"ref": "intranet", "url": "https://intranet.example.org/tracker", "events": ["update.created"]}
    given = {"strategy_id": 1, **wanted}
    made = api.made("/v1/webhooks", **given)
    where = f"/v1/webhooks/{made['id']}"
    found: dict[str, dict[str, Any]] = {"create_webhook": {"request": given, "response": made}}
    secret = api.post(f"{where}/secret", {"keep_previous_hours": 24}).json()
    shown = {"request": {"keep_previous_hours": 24}, "response": {**secret, "secret": "whsec_…"}}
    found["make_webhook_secret"] = shown
    change = {"events": ["update.created", "report.published"], "change_reason": "It shows reports too."}
    found["change_webhook"] = {"request": change, "response": api.patch(where, change).json()}
    found["get_webhook"] = {"response": api.get(where).json()}
    found["list_webhooks"] = {"response": api.get("/v1/webhooks").json()}
    found["get_webhook_history"] = {"response": api.get(f"{where}/history").json()}
    delivery = f"/v1/deliveries/{noted_delivery(api, 1, webhook_id=made['id'])}"
    found["list_deliveries"] = {"response": api.get("/v1/deliveries").json()}
    found["get_delivery"] = {"response": api.get(delivery).json()}
    found["send_delivery"] = {"response": {**api.get(delivery).json()}}
    return found


def reports_of(api: Api) -> dict[str, dict[str, Any]]:
    """Return an example of each operation on reports; what rests on the versions of libraries is made up."""
    said = {"summary": "The Hope Project is funded.", "commentary": [{"workstream_id": 6, "text": "Work begins soon."}]}
    draft = {"strategy_id": 1, "quarter": "2018-19-Q3", **said}
    made = api.made("/v1/reports", **draft)
    address = f"/v1/reports/{made['id']}"
    found: dict[str, dict[str, Any]] = {"create_report": {"request": draft, "response": made}}
    change: dict[str, Any] = {"summary": "The Hope Project is funded, and begins in January."}
    found["change_report"] = {"request": change, "response": api.patch(address, change).json()}
    tag = {"If-Match": api.get(address).headers["etag"]}
    found["publish_report"] = {"response": api.call("POST", f"{address}/publish", headers=tag).json()}
    found["get_report"] = {"response": api.get(address).json()}
    found["list_reports"] = {"response": api.get("/v1/reports?limit=1").json()}
    found["get_report_history"] = {"response": api.get(f"{address}/history").json()}
    proof = api.get(f"{address}/verify").json()
    one = {"name": "report.pdf", "sha256": "5f" * 32, "rendered_sha256": "5f" * 32, "identical": True}
    found["verify_report"] = {"response": {**proof, "files": [one]}}
    found["get_report_restatement"] = {"response": api.get(f"{address}/restatement").json()}
    plan = {"strategy_id": 1, "publishes_after_days": 21, "owner_ids": [1]}
    schedule = api.made("/v1/report-schedules", **plan)
    where = f"/v1/report-schedules/{schedule['id']}"
    found["create_report_schedule"] = {"request": plan, "response": schedule}
    change = {"publishes_after_days": 28, "change_reason": "The board meets later."}
    found["change_report_schedule"] = {"request": change, "response": api.patch(where, change).json()}
    found["get_report_schedule"] = {"response": api.get(where).json()}
    found["list_report_schedules"] = {"response": api.get("/v1/report-schedules").json()}
    found["get_report_schedule_history"] = {"response": api.get(f"{where}/history").json()}
    body = {"reason": "The wrong milestone was closed."}
    found["withdraw_report"] = {"request": body, "response": api.post(f"{address}/withdraw", body).json()}
    return found


def answers_of(api: Api) -> dict[str, dict[str, Any]]:
    """Return an example of each operation, by its id, and of each problem."""
    found: dict[str, dict[str, Any]] = {}
    for name, path in READINGS.items():
        found[name] = {"response": api.get(path).json()}
    for noun, (collection, row_id) in COLLECTIONS.items():
        address = f"/v1/{collection}/{row_id}"
        found[f"list_{collection.replace('-', '_')}"] = {"response": api.get(f"/v1/{collection}?limit=1").json()}
        found[f"get_{noun}"] = {"response": api.get(address).json()}
        found[f"get_{noun}_history"] = {"response": api.get(f"{address}/history").json()}
    for noun, (collection, row_id) in COLLECTIONS.items():
        made = api.made(f"/v1/{collection}", **CREATIONS[noun])
        found[f"create_{noun}"] = {"request": CREATIONS[noun], "response": made}
        title = next(field for field in ("title", "name", "post", "outcome", "status") if field in made)
        change = CHANGES.get(noun, {title: made[title], "change_reason": "As agreed at the meeting."})
        changed = api.patch(f"/v1/{collection}/{row_id if noun in CHANGES else made['id']}", change)
        assert changed.status_code == 200, changed.text
        found[f"change_{noun}"] = {"request": change, "response": changed.json()}
    found["record_update"] = {"request": REPORT, "response": api.made("/v1/milestones/11/updates", **REPORT)}
    found["record_observation"] = {"request": VALUE, "response": api.made("/v1/indicators/2/observations", **VALUE)}
    found |= rights_of(api) | imports_of(api) | reports_of(api) | webhooks_of(api)
    # Last, for on PostgreSQL a row that is refused uses up a number.
    found["problems"] = problems_of(api)
    return found


def main() -> None:
    """Write the answers anew."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: AS_IF)
        url = f"sqlite:///{Path(folder) / 'tracker.db'}"
        run_once(url, migrate)
        run_once(url, lambda connection: load_file(connection, SAMPLE.read_bytes()))
        for api in serving(url):
            ANSWERS.write_text(json.dumps(answers_of(api), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
