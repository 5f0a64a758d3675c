"""docs/ordering.md names tests, tasks and times: they are there, and are so."""

import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "docs" / "ordering.md").read_text()
HELD = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}


def test_each_test_it_names_is_there():
    named = re.findall(r"(test_\w+\.py)(?:::(test_\w+))?", TEXT)
    assert len(named) > 40
    for file, function in named:
        texts = [text for path, text in HELD.items() if path.name == file]
        assert texts, file
        assert not function or any(re.search(rf"^def {function}\(", text, re.MULTILINE) for text in texts), function


def test_the_tasks_run_as_often_as_it_says():
    told = re.findall(r"^\| `(\w+)\.(\w+)` \| (\d+) s \|", TEXT, re.MULTILINE)
    every = {entry["task"]: entry["schedule"].run_every.seconds for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert len(told) == 7
    for package, task, seconds in told:
        assert every[f"{package}.tasks.{task}"] == int(seconds), task
