"""Answers kept in memory: never one of another state, or to another question."""

import asyncio

from service.core.kept import MOST_BYTES, MOST_OF_ONE, Answer, KeptAnswers

KEY = ("/v1/progress", "strategy_id=1", "2018-12-10")


class Kitchen:
    """Makes answers that differ each time, in the state that the database is in."""

    def __init__(self) -> None:
        self.state = 1
        self.made = 0
        self.size = 0

    async def make(self) -> tuple[int, Answer]:
        self.made += 1
        return self.state, Answer(f"answer {self.made}".encode().ljust(self.size))


def ask_all(kept: KeptAnswers, kitchen: Kitchen, *asked: tuple[int, tuple[str, ...]]) -> list[bytes]:
    async def run() -> list[bytes]:
        answers = []
        for state, key in asked:
            kitchen.state = state
            answers.append((await kept.get(state, key, kitchen.make)).body)
        return answers

    return asyncio.run(run())


def test_an_answer_is_kept_while_the_state_holds() -> None:
    assert ask_all(KeptAnswers(), Kitchen(), (1, KEY), (1, KEY)) == [b"answer 1"] * 2


def test_every_other_state_makes_it_anew_even_an_older_one() -> None:
    found = ask_all(KeptAnswers(), Kitchen(), (2, KEY), (1, KEY), (2, KEY))
    assert found == [b"answer 1", b"answer 2", b"answer 3"]


def test_each_part_of_the_question_counts() -> None:
    others = [(*KEY[:place], "other", *KEY[place + 1 :]) for place in range(len(KEY))]
    kitchen = Kitchen()
    ask_all(KeptAnswers(), kitchen, *((1, key) for key in (KEY, *others, KEY)))
    assert kitchen.made == 1 + len(others)


def test_an_answer_made_in_a_newer_state_is_not_given_in_the_older_one() -> None:
    kept, kitchen = KeptAnswers(), Kitchen()

    async def run() -> None:
        kitchen.state = 2
        await kept.get(1, KEY, kitchen.make)
        await kept.get(1, KEY, kitchen.make)

    asyncio.run(run())
    assert kitchen.made == 2


def test_no_more_is_kept_than_there_is_room_for_and_the_oldest_goes_first() -> None:
    kept, kitchen = KeptAnswers(), Kitchen()
    kitchen.size = MOST_OF_ONE - 1000
    keys = [(*KEY, str(number)) for number in range(MOST_BYTES // kitchen.size + 1)]
    ask_all(kept, kitchen, *((1, key) for key in keys))
    made = kitchen.made
    ask_all(kept, kitchen, (1, keys[-1]), (1, keys[1]))
    assert kitchen.made == made
    ask_all(kept, kitchen, (1, keys[0]))
    assert kitchen.made == made + 1


def test_a_long_answer_is_not_kept_at_the_cost_of_the_others() -> None:
    kept, kitchen = KeptAnswers(), Kitchen()
    ask_all(kept, kitchen, (1, KEY))
    kitchen.size = MOST_OF_ONE
    ask_all(kept, kitchen, (1, (*KEY, "long")), (1, (*KEY, "long")), (1, KEY))
    assert kitchen.made == 3
