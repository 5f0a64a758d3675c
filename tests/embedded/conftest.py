"""A directory that PostgreSQL can reach: pytest's own is closed to nobody, as whom it runs under root."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_path() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="order-panel-test-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)
