"""The script of troubles: one story a seed, a kill every ten seconds on average, and nothing left out for long."""

from collections import Counter

import pytest

from tests.chaos import script
from tests.chaos.stack import TARGETS


def test_a_seed_tells_its_story_again_and_another_tells_another():
    assert script.write(7, 600) == script.write(7, 600)
    assert [trouble.more for trouble in script.write(7, 600)] == [trouble.more for trouble in script.write(7, 600)]
    assert script.write(7, 600) != script.write(8, 600)


@pytest.mark.parametrize("seed", range(5))
def test_ten_minutes_hold_sixty_kills_of_everything_and_every_other_trouble(seed: int):
    story = script.write(seed, 600)
    kills = Counter(trouble.target for trouble in story if trouble.kind == "kill")
    assert sum(kills.values()) == 60
    assert set(kills) == set(TARGETS)
    assert min(kills.values()) >= 8
    assert {trouble.kind for trouble in story} == {"kill", "api", "pause", "slow", "flush", "clock", "again"}
    assert all(0 <= trouble.at < 600 for trouble in story)


def test_the_shortest_run_has_a_kill_and_a_fault():
    assert {trouble.kind for trouble in script.write(1, 3)} > {"kill"}
