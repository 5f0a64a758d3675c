"""People at the desk, and those who must not come there."""

from typing import Any

import pytest
from django.test import Client

from tests.factories import make_staff


@pytest.fixture
def staff_client(db: None) -> Any:
    """The browser of somebody in support."""
    client = Client()
    client.force_login(make_staff())
    return client
