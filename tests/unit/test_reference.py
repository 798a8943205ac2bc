"""The reference implementation against examples worked out by hand from `design.md`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from tests.reference import (
    Fact,
    Known,
    Milestone,
    Organisation,
    Owner,
    Priority,
    Row,
    Update,
    Workstream,
    World,
    changes,
    fact,
    progress,
    show_index,
    show_percent,
    wilson,
)

QUARTER_END = date(2018, 12, 31)
NOW = 100


def a_milestone(
    id: int = 1,
    *,
    ref: str | None = None,
    workstream_id: int = 1,
    owner_id: int | None = None,
    weight: int = 1,
    agreed_on: date = date(2018, 4, 1),
    start_on: date | None = None,
    due_on: date | None = None,
    baseline_due_on: date | None = None,
) -> Milestone:
    ref = ref or f"M{id}"
    title = f"Milestone {id}"
    return Milestone(
        id,
        ref,
        title,
        workstream_id,
        owner_id,
        weight,
        agreed_on,
        start_on,
        due_on,
        baseline_due_on,
    )


def an_update(
    percent: int,
    status: str = "in_progress",
    *,
    id: int = 1,
    seq: int = 1,
    effective_on: date = date(2018, 11, 1),
    forecast_on: date | None = None,
    confidence: str | None = None,
) -> Update:
    return Update(id, seq, effective_on, status, percent, forecast_on, confidence)


def always(*rows: Row) -> list[Known[Row]]:
    return [Known(row, 0) for row in rows]


def a_workstream(
    id: int = 1,
    status: str = "active",
    priority_ids: frozenset[int] = frozenset({1}),
    lead: int = 1,
    owner_id: int | None = None,
) -> Workstream:
    return Workstream(id, f"W{id}", f"Workstream {id}", status, priority_ids, lead, owner_id)


def a_world(
    *milestones: Milestone,
    updates: dict[int, list[Update]] | None = None,
    workstreams: list[Known[Workstream]] | None = None,
    owners: list[Known[Owner]] | None = None,
    priorities: list[Known[Priority]] | None = None,
) -> World:
    return World(
        milestones=always(*milestones),
        workstreams=workstreams or always(a_workstream()),
        owners=owners or [],
        priorities=priorities or always(Priority(1, "P1", "Priority 1", 1)),
        organisations=always(Organisation(1, "COUNTY", "County council"), Organisation(2, "POLICE", "Police")),
        updates=updates or {},
    )


def the_fact(milestone: Milestone, *updates: Update, status: str = "active") -> Fact:
    world = a_world(
        milestone,
        updates={milestone.id: list(updates)},
        workstreams=always(a_workstream(status=status)),
    )
    return fact(world, milestone, QUARTER_END, NOW)


# Over ten days, 22 December to 1 January, nine are over on 31 December.
NINE_TENTHS = a_milestone(start_on=date(2018, 12, 22), due_on=date(2019, 1, 1))
# Over a hundred days from 31 December less 80, eighty are over: 8000 basis points.
FOUR_FIFTHS = a_milestone(start_on=date(2018, 10, 12), due_on=date(2019, 1, 20))


class TestPlanned:
    @pytest.mark.parametrize(
        ("start_on", "due_on", "expected"),
        [
            (None, None, None),
            (date(2018, 1, 1), None, None),
            (None, date(2019, 1, 1), 0),
            (None, QUARTER_END, 10000),
            (None, date(2018, 12, 30), 10000),
            (date(2019, 1, 1), date(2019, 2, 1), 0),
            (QUARTER_END, date(2019, 1, 1), 0),
            (QUARTER_END, QUARTER_END, 10000),
            (date(2018, 10, 1), date(2019, 1, 1), 9891),
            (date(2018, 12, 29), date(2019, 1, 1), 6666),
            (date(2018, 12, 22), date(2019, 1, 1), 9000),
            (date(2018, 10, 12), date(2019, 1, 20), 8000),
        ],
    )
    def test_is_the_share_of_days_gone_rounded_down(
        self, start_on: date | None, due_on: date | None, expected: int | None
    ) -> None:
        assert the_fact(a_milestone(start_on=start_on, due_on=due_on)).planned_bp == expected


class TestLatestUpdate:
    def test_without_one_is_not_started_and_unreported(self) -> None:
        found = the_fact(a_milestone())
        assert (found.status, found.percent_complete, found.unreported) == ("not_started", 0, True)

    def test_goes_by_the_date_it_is_true_of_before_the_order_of_recording(self) -> None:
        earlier_date = an_update(10, id=2, seq=9, effective_on=date(2018, 10, 1))
        later_date = an_update(40, id=1, seq=3, effective_on=date(2018, 11, 1))
        assert the_fact(a_milestone(), later_date, earlier_date).percent_complete == 40

    def test_goes_by_the_order_of_recording_on_one_date(self) -> None:
        first, second = an_update(40, id=2, seq=3), an_update(30, id=1, seq=4)
        assert the_fact(a_milestone(), second, first).percent_complete == 30

    def test_goes_by_id_last(self) -> None:
        first, second = an_update(40, id=1, seq=3), an_update(30, id=2, seq=3)
        assert the_fact(a_milestone(), second, first).percent_complete == 30

    def test_counts_on_the_day_itself_and_not_a_day_before(self) -> None:
        on_the_day = an_update(50, effective_on=QUARTER_END)
        day_after = an_update(60, effective_on=date(2019, 1, 1))
        assert the_fact(a_milestone(), on_the_day, day_after).percent_complete == 50

    def test_is_unknown_before_it_is_recorded(self) -> None:
        milestone = a_milestone()
        world = a_world(milestone, updates={1: [an_update(50, seq=7)]})
        assert fact(world, milestone, QUARTER_END, 6).unreported
        assert not fact(world, milestone, QUARTER_END, 7).unreported


class TestIncluded:
    @pytest.mark.parametrize("status", ["proposed", "on_hold", "cancelled"])
    def test_leaves_out_the_status(self, status: str) -> None:
        assert not the_fact(a_milestone(), an_update(0, status)).included

    @pytest.mark.parametrize("status", ["not_started", "in_progress", "complete"])
    def test_keeps_the_status(self, status: str) -> None:
        assert the_fact(a_milestone(), an_update(0, status)).included

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("proposed", False),
            ("active", True),
            ("on_hold", False),
            ("complete", True),
            ("cancelled", False),
        ],
    )
    def test_follows_the_workstream(self, status: str, expected: bool) -> None:
        assert the_fact(a_milestone(), an_update(5), status=status).included is expected


class TestMilestoneRag:
    @pytest.mark.parametrize(
        ("milestone", "update", "rag", "reason"),
        [
            # 0.9 × 0.7 = 63 %, and 0.9 × 0.9 = 81 %.
            (NINE_TENTHS, an_update(62), "red", "behind_plan"),
            (NINE_TENTHS, an_update(63), "amber", "behind_plan"),
            (NINE_TENTHS, an_update(80), "amber", "behind_plan"),
            (NINE_TENTHS, an_update(81), "green", None),
            # 0.8 × 0.7 = 56 %, and 0.8 × 0.9 = 72 %.
            (FOUR_FIFTHS, an_update(55), "red", "behind_plan"),
            (FOUR_FIFTHS, an_update(56), "amber", "behind_plan"),
            (FOUR_FIFTHS, an_update(72), "green", None),
            # A late forecast is amber; one for the due date is not late.
            (FOUR_FIFTHS, an_update(72, forecast_on=date(2019, 1, 21)), "amber", "forecast_late"),
            (FOUR_FIFTHS, an_update(72, forecast_on=date(2019, 1, 20)), "green", None),
            (FOUR_FIFTHS, an_update(60, forecast_on=date(2019, 1, 21)), "amber", "behind_plan"),
            # Nothing planned yet.
            (a_milestone(due_on=date(2019, 3, 31)), an_update(0), "not_due", None),
            (a_milestone(due_on=date(2019, 3, 31)), an_update(50), "not_due", None),
            (
                a_milestone(due_on=date(2019, 3, 31)),
                an_update(0, forecast_on=date(2019, 4, 1)),
                "amber",
                "forecast_late",
            ),
            # On the due date all is planned, and it is overdue the day after.
            (a_milestone(due_on=QUARTER_END), an_update(69), "red", "behind_plan"),
            (a_milestone(due_on=QUARTER_END), an_update(89), "amber", "behind_plan"),
            (a_milestone(due_on=QUARTER_END), an_update(90), "green", None),
            (a_milestone(due_on=date(2018, 12, 30)), an_update(99), "red", "overdue"),
            (a_milestone(due_on=date(2018, 12, 30)), an_update(100, "complete"), "complete", None),
            (a_milestone(due_on=date(2018, 1, 1)), an_update(5, "on_hold"), "not_applicable", None),
            (a_milestone(), an_update(5, forecast_on=date(2019, 1, 1)), "unscheduled", None),
            # The owner's own judgement changes nothing.
            (FOUR_FIFTHS, an_update(72, confidence="red"), "green", None),
        ],
    )
    def test_is_the_first_that_applies(
        self, milestone: Milestone, update: Update, rag: str, reason: str | None
    ) -> None:
        found = the_fact(milestone, update)
        assert (found.rag, found.reason) == (rag, reason)

    def test_has_a_shortfall_of_at_least_nothing(self) -> None:
        assert the_fact(FOUR_FIFTHS, an_update(55)).shortfall == 2500
        assert the_fact(FOUR_FIFTHS, an_update(85)).shortfall == 0
        assert the_fact(a_milestone(), an_update(0)).shortfall == 0

    def test_is_rescheduled_only_where_due_later_than_first_agreed(self) -> None:
        due = date(2019, 1, 31)
        for baseline, expected in [
            (None, False),
            (date(2019, 1, 30), True),
            (due, False),
            (date(2019, 2, 1), False),
        ]:
            milestone = a_milestone(due_on=due, baseline_due_on=baseline)
            assert the_fact(milestone).rescheduled is expected


class TestOrganisation:
    def test_is_the_owners_where_there_is_one(self) -> None:
        milestone = a_milestone(owner_id=5)
        world = a_world(milestone, owners=always(Owner(5, "CH", "Chief", 2)))
        assert fact(world, milestone, QUARTER_END, NOW).organisation_id == 2

    def test_is_the_workstreams_lead_without_one_even_where_the_workstream_has_an_owner(
        self,
    ) -> None:
        milestone = a_milestone()
        world = a_world(
            milestone,
            owners=always(Owner(5, "CH", "Chief", 2)),
            workstreams=always(a_workstream(lead=1, owner_id=5)),
        )
        assert fact(world, milestone, QUARTER_END, NOW).organisation_id == 1


class TestSetOfMilestones:
    def test_adds_up_by_hand(self) -> None:
        world = a_world(
            replace(FOUR_FIFTHS, id=1, ref="A", weight=3, baseline_due_on=date(2019, 1, 1)),
            a_milestone(2, ref="B", weight=2, due_on=date(2018, 12, 1)),
            a_milestone(3, ref="C", weight=5),
            a_milestone(4, ref="D", weight=7, due_on=date(2018, 1, 1)),
            a_milestone(5, ref="E", weight=1, due_on=date(2018, 12, 1)),
            a_milestone(6, ref="F", agreed_on=date(2019, 1, 1)),
            updates={
                1: [an_update(50)],
                2: [an_update(90)],
                4: [an_update(20, "cancelled")],
                5: [an_update(100, "complete")],
            },
        )
        total = progress(world, QUARTER_END, NOW, "priority")["total"]
        # Weights 3 + 2 + 5 + 1; earned 150 + 180 + 0 + 100; planned 24000 + 20000 + 10000.
        assert total == {
            "percent_complete": 39.1,  # 430 ÷ 11 = 39.09…
            "planned_percent": 90.0,  # 54000 ÷ 6 ÷ 100
            "schedule_performance_index": 0.8,  # 43000 ÷ 54000 = 0.796…
            "rag": "amber",
            "milestones": {
                "total": 5,
                "included": 4,
                "proposed": 0,
                "not_started": 1,
                "in_progress": 2,
                "on_hold": 0,
                "complete": 1,
                "cancelled": 1,
                "overdue": 1,
                "unreported": 1,
                "unscheduled": 1,
                "rescheduled": 1,
            },
            "receipt": {
                "weight": 11,
                "earned": 430,
                "scheduled_weight": 6,
                "scheduled_earned": 430,
                "planned": 54000,
            },
            "drivers": [
                {
                    "id": 1,
                    "ref": "A",
                    "title": "Milestone 1",
                    "workstream_id": 1,
                    "rag": "red",
                    "reason": "behind_plan",
                    "weight": 3,
                    "percent_complete": 50,
                    "planned_bp": 8000,
                    "shortfall": 3000,
                },
                {
                    "id": 2,
                    "ref": "B",
                    "title": "Milestone 2",
                    "workstream_id": 1,
                    "rag": "red",
                    "reason": "overdue",
                    "weight": 2,
                    "percent_complete": 90,
                    "planned_bp": 10000,
                    "shortfall": 1000,
                },
            ],
        }

    def test_with_nothing_included_has_no_percentage(self) -> None:
        world = a_world(a_milestone(), updates={1: [an_update(40, "on_hold")]})
        total = progress(world, QUARTER_END, NOW, "priority")["total"]
        assert total["percent_complete"] is None
        assert total["planned_percent"] is None
        assert total["schedule_performance_index"] is None
        assert total["rag"] == "not_applicable"

    @pytest.mark.parametrize(
        ("milestones", "percents", "rag"),
        [
            ([a_milestone(1)], [40], "unscheduled"),
            ([a_milestone(1), a_milestone(2, due_on=date(2019, 3, 1))], [4, 0], "not_due"),
            ([a_milestone(1, due_on=QUARTER_END)], [69], "red"),
            ([a_milestone(1, due_on=QUARTER_END)], [70], "amber"),
            ([a_milestone(1, due_on=QUARTER_END)], [90], "green"),
            # 0 and 100 of weights 1 and 9: the index is 0.9, green, but one member is red.
            (
                [a_milestone(1, due_on=QUARTER_END), a_milestone(2, weight=9, due_on=QUARTER_END)],
                [0, 100],
                "amber",
            ),
            # An index of 0.6996 shows as 0.70 and is red all the same.
            (
                [
                    a_milestone(1, weight=996, due_on=QUARTER_END),
                    a_milestone(2, weight=4, due_on=QUARTER_END),
                ],
                [70, 60],
                "red",
            ),
        ],
    )
    def test_has_the_rag(self, milestones: list[Milestone], percents: list[int], rag: str) -> None:
        updates = {m.id: [an_update(p)] for m, p in zip(milestones, percents, strict=True)}
        total = progress(a_world(*milestones, updates=updates), QUARTER_END, NOW, "priority")
        assert total["total"]["rag"] == rag

    def test_that_is_not_due_is_amber_while_a_member_is_forecast_late(self) -> None:
        late = an_update(0, forecast_on=date(2019, 4, 1))
        world = a_world(a_milestone(due_on=date(2019, 3, 31)), updates={1: [late]})
        total = progress(world, QUARTER_END, NOW, "priority")["total"]
        assert total["rag"] == "amber"
        assert total["schedule_performance_index"] is None
        assert total["planned_percent"] == 0.0

    def test_is_complete_where_all_included_are(self) -> None:
        world = a_world(
            a_milestone(1),
            a_milestone(2),
            updates={1: [an_update(100, "complete")], 2: [an_update(0, "cancelled")]},
        )
        total = progress(world, QUARTER_END, NOW, "priority")["total"]
        assert (total["rag"], total["percent_complete"]) == ("complete", 100.0)

    def test_shows_ten_drivers_by_weighted_shortfall_then_ref(self) -> None:
        milestones = [a_milestone(i, ref=f"M{99 - i}", due_on=QUARTER_END) for i in range(1, 12)]
        heavy = a_milestone(12, ref="Z", weight=2, due_on=QUARTER_END)
        total = progress(a_world(*milestones, heavy), QUARTER_END, NOW, "priority")["total"]
        refs = [driver["ref"] for driver in total["drivers"]]
        assert refs == ["Z", *(f"M{n}" for n in range(88, 97))]


class TestGroups:
    def test_count_a_shared_workstream_in_full_in_each_priority_and_once_in_the_total(self) -> None:
        world = a_world(
            a_milestone(weight=4),
            workstreams=always(a_workstream(priority_ids=frozenset({1, 2}))),
            priorities=always(
                Priority(1, "P1", "One", 9),
                Priority(2, "P2", "Two", 1),
                Priority(3, "P3", "Three", 1),
            ),
        )
        answer = progress(world, QUARTER_END, NOW, "priority")
        assert answer["total"]["receipt"]["weight"] == 4
        weights = [(g["id"], g["progress"]["receipt"]["weight"]) for g in answer["groups"]]
        assert weights == [(2, 4), (3, 0), (1, 4)]

    def test_put_what_has_no_owner_last(self) -> None:
        world = a_world(
            a_milestone(1),
            a_milestone(2, owner_id=5),
            owners=always(Owner(5, "CH", "Chief", 2), Owner(6, "DE", "Deputy", 2)),
        )
        groups = progress(world, QUARTER_END, NOW, "owner")["groups"]
        assert [(g["id"], g["title"]) for g in groups] == [(5, "Chief"), (None, None)]

    def test_have_no_place_for_no_owner_where_all_have_one(self) -> None:
        world = a_world(a_milestone(owner_id=5), owners=always(Owner(5, "CH", "Chief", 2)))
        groups = progress(world, QUARTER_END, NOW, "owner")["groups"]
        assert [g["id"] for g in groups] == [5]

    def test_by_organisation_show_those_that_answer_for_something(self) -> None:
        world = a_world(a_milestone(owner_id=5), owners=always(Owner(5, "CH", "Chief", 2)))
        groups = progress(world, QUARTER_END, NOW, "organisation")["groups"]
        assert [(g["ref"], g["title"]) for g in groups] == [("POLICE", "Police")]

    def test_by_workstream_include_the_empty_ones(self) -> None:
        world = a_world(a_milestone(), workstreams=always(a_workstream(2), a_workstream(1)))
        groups = progress(world, QUARTER_END, NOW, "workstream")["groups"]
        assert [(g["id"], g["progress"]["milestones"]["total"]) for g in groups] == [(1, 1), (2, 0)]

    def test_by_milestone_have_one_each(self) -> None:
        world = a_world(a_milestone(2), a_milestone(1))
        groups = progress(world, QUARTER_END, NOW, "milestone")["groups"]
        assert [g["ref"] for g in groups] == ["M1", "M2"]

    def test_hold_only_what_is_kept(self) -> None:
        world = a_world(a_milestone(1), a_milestone(2))
        answer = progress(world, QUARTER_END, NOW, "milestone", lambda f: f.milestone.id == 2)
        assert [g["id"] for g in answer["groups"]] == [2]
        assert answer["total"]["milestones"]["total"] == 1

    def test_refuse_an_unknown_grouping(self) -> None:
        with pytest.raises(ValueError, match="colour"):
            progress(a_world(), QUARTER_END, NOW, "colour")


class TestHistory:
    def test_answers_with_the_plan_as_it_was_known(self) -> None:
        world = a_world()
        world.milestones[:] = [
            Known(a_milestone(weight=1), 3, 5),
            Known(a_milestone(weight=2), 5, 8),
        ]
        weights = [
            progress(world, QUARTER_END, seq, "priority")["total"]["receipt"]["weight"] for seq in (2, 3, 4, 5, 7, 8)
        ]
        assert weights == [0, 1, 1, 2, 2, 0]

    def test_joins_the_plan_on_the_day_agreed(self) -> None:
        world = a_world(a_milestone(agreed_on=QUARTER_END))
        totals = [
            progress(world, day, NOW, "priority")["total"]["milestones"]["total"]
            for day in (date(2018, 12, 30), QUARTER_END)
        ]
        assert totals == [0, 1]

    def test_refuses_two_versions_at_once(self) -> None:
        world = a_world(a_milestone(), a_milestone())
        with pytest.raises(ValueError, match="two versions"):
            progress(world, QUARTER_END, NOW, "priority")


class TestChanges:
    SEPTEMBER, DECEMBER = date(2018, 9, 30), QUARTER_END

    def test_explain_the_whole_difference(self) -> None:
        world = a_world(
            a_milestone(1),
            a_milestone(2),
            a_milestone(3, agreed_on=date(2018, 10, 1)),
            a_milestone(4),
            a_milestone(5),
            a_milestone(6, weight=2),
            updates={
                1: [
                    an_update(10, effective_on=date(2018, 9, 1)),
                    an_update(50, effective_on=date(2018, 12, 1)),
                ],
                2: [an_update(40, effective_on=date(2018, 9, 1))],
                3: [an_update(80, effective_on=date(2018, 12, 1))],
                4: [
                    an_update(60, effective_on=date(2018, 9, 1)),
                    an_update(60, "cancelled", effective_on=date(2018, 12, 1)),
                ],
            },
        )
        # Milestone 6 is reweighted from 2 to 5 at seq 10: Σ weight goes from 6 to 9.
        world.milestones[-1] = Known(a_milestone(6, weight=2), 0, 10)
        world.milestones.append(Known(a_milestone(6, weight=5), 10))
        answer = changes(world, (self.SEPTEMBER, 9), (self.DECEMBER, 10))
        # Before: 1 at 10, 2 at 40, 4 at 60, 5 and 6 at 0: 110 ÷ 6. After: 50 + 40 + 80 = 170 ÷ 9.
        assert answer["delta"] == Fraction(170, 9) - Fraction(110, 6) == Fraction(5, 9)
        assert answer["changes"] == [
            {"milestone_id": 4, "reason": "removed", "effect": Fraction(-10)},
            {"milestone_id": 3, "reason": "added", "effect": Fraction(80, 9)},
            {"milestone_id": 1, "reason": "updated", "effect": Fraction(35, 9)},
            {"milestone_id": 2, "reason": "diluted", "effect": Fraction(-20, 9)},
            {"milestone_id": 6, "reason": "reweighted", "effect": Fraction(0)},
        ]
        assert sum(change["effect"] for change in answer["changes"]) == answer["delta"]
        assert (answer["from"]["percent_complete"], answer["to"]["percent_complete"]) == (
            18.3,
            18.9,
        )

    def test_have_no_delta_where_one_side_has_no_percentage(self) -> None:
        world = a_world(a_milestone(agreed_on=date(2018, 10, 1)), updates={1: [an_update(30)]})
        answer = changes(world, (self.SEPTEMBER, NOW), (self.DECEMBER, NOW))
        assert answer["delta"] is None
        assert answer["changes"] == [{"milestone_id": 1, "reason": "added", "effect": Fraction(30)}]

    def test_are_none_where_nothing_moved(self) -> None:
        world = a_world(a_milestone(), updates={1: [an_update(30)]})
        answer = changes(world, (self.DECEMBER, NOW), (self.DECEMBER, NOW))
        assert answer["delta"] == 0
        assert answer["changes"] == []

    def test_of_equal_size_go_by_ref(self) -> None:
        rise, fall = (
            [an_update(p, effective_on=d) for p, d in pairs]
            for pairs in (
                [(10, date(2018, 9, 1)), (20, date(2018, 12, 1))],
                [(20, date(2018, 9, 1)), (10, date(2018, 12, 1))],
            )
        )
        world = a_world(a_milestone(1, ref="B"), a_milestone(2, ref="A"), updates={1: rise, 2: fall})
        answer = changes(world, (self.SEPTEMBER, NOW), (self.DECEMBER, NOW))
        assert [change["milestone_id"] for change in answer["changes"]] == [2, 1]


class TestFiguresAsShown:
    @pytest.mark.parametrize(
        ("numerator", "denominator", "expected"),
        [
            (1, 0, None),
            (0, 7, 0.0),
            (4, 100, 0.1),
            (1, 10**9, 0.1),
            (5, 100, 0.1),
            (14, 100, 0.1),
            (15, 100, 0.2),
            (25, 100, 0.3),
            (100, 3, 33.3),
            (200, 3, 66.7),
            (9994, 100, 99.9),
            (9996, 100, 99.9),
            (100, 1, 100.0),
        ],
    )
    def test_a_percentage_is_half_up_and_never_a_false_0_or_100(
        self, numerator: int, denominator: int, expected: float | None
    ) -> None:
        assert show_percent(numerator, denominator) == expected

    @pytest.mark.parametrize(
        ("numerator", "denominator", "expected"),
        [
            (1, 0, None),
            (0, 5, 0.0),
            (1, 1000, 0.01),
            (5, 1000, 0.01),
            (7, 8, 0.88),
            (1005, 1000, 1.01),
            (999, 1000, 1.0),
            (12345, 10, 1234.5),
        ],
    )
    def test_an_index_is_half_up_and_never_a_false_0(
        self, numerator: int, denominator: int, expected: float | None
    ) -> None:
        assert show_index(numerator, denominator) == expected


class TestWilson:
    @pytest.mark.parametrize(
        ("numerator", "denominator", "low", "high"),
        [
            (65, 100, 0.5525444, 0.7363575),
            (1, 100, 0.0017674, 0.0544862),
            # z² = 3.8414588; nothing of ten ends at z² ÷ (10 + z²).
            (0, 10, 0.0, 0.2775328),
            (10, 10, 0.7224672, 1.0),
        ],
    )
    def test_gives_the_published_interval(self, numerator: int, denominator: int, low: float, high: float) -> None:
        assert wilson(numerator, denominator) == pytest.approx((low, high), abs=5e-8)

    @pytest.mark.parametrize(("numerator", "denominator"), [(0, 0), (-1, 5), (6, 5)])
    def test_refuses_what_is_no_proportion(self, numerator: int, denominator: int) -> None:
        with pytest.raises(ValueError, match="not a proportion"):
            wilson(numerator, denominator)
