"""A plan whose progress can be checked by hand, and the questions asked about it."""

from dataclasses import dataclass
from typing import Any

from tests.api.conftest import numbers
from tests.conftest import Api
from tests.factories import Body, Plan, make_milestone, report

AS_AT = "2018-12-31"


@dataclass
class Stage:
    """A plan with three milestones under one priority, asked about over the API."""

    api: Api
    plan: Plan
    half: int
    done: int

    def asked(self, path: str = "", **asked: Any) -> Body:
        """Ask about the strategy's progress."""
        given = {"strategy_id": self.plan.strategy, **({} if path else {"as_at": AS_AT}), **asked}
        answer = self.api.get(f"/v1/progress{path}", params=given)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def changes(self, **asked: Any) -> Body:
        """Ask why progress moved in the second half of 2018."""
        return self.asked("/changes", **{"from": "2018-06-30", "to": AS_AT, **asked})

    def percent(self, **asked: Any) -> float | None:
        """Return the total percentage."""
        found: float | None = self.asked(**asked)["total"]["percent_complete"]
        return found

    def milestone(self, **values: Any) -> int:
        """Add a milestone."""
        row = make_milestone(self.api, self.plan.workstream, **{"ref": f"M-{next(numbers)}", **values})
        return int(row["id"])

    def alter(self, path: str, **values: Any) -> Body:
        """Change a row, with a reason."""
        answer = self.api.patch(f"/v1/{path}", {**values, "change_reason": "To see what moves"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def staged(shared: Api, own_plan: Plan) -> Stage:
    """Make a milestone that nobody reported on, one of weight 2 at 50 %, and one that is complete: 200 ÷ 4 is 50 %."""
    half = make_milestone(shared, own_plan.workstream, ref="HALF", weight=2, due_on="2019-03-31")["id"]
    done = make_milestone(shared, own_plan.workstream, ref="DONE", start_on="2018-04-01", due_on="2018-09-30")["id"]
    report(shared, half, effective_on="2018-10-31", status="in_progress", percent_complete=50)
    report(shared, done, effective_on="2018-09-30", status="complete")
    return Stage(shared, own_plan, half, done)
