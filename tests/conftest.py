"""What every test may ask for. Services come from tests/services.py, the stand-in OVHcloud from tests/sandboxes.py."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.attempts import forget_attempts
from tests.factories import make_customer

if TYPE_CHECKING:
    # The plugin below imports it for real; done earlier, pytest could not rewrite its asserts.
    from tests.sandboxes import Sandbox

pytest_plugins = ["tests.sandboxes", "tests.rows"]


@pytest.fixture(autouse=True)
def _no_attempt_counted() -> None:
    """Attempts of other tests count against no limit of this one."""
    forget_attempts()


@pytest.fixture
def ovh(sandbox: "Sandbox", settings: Any) -> "Sandbox":
    """The sandbox, with the panel's own settings aimed at it."""
    settings.OVH_BASE_URL = sandbox.api_base
    settings.OVH_APPLICATION_KEY = sandbox.application_key
    settings.OVH_APPLICATION_SECRET = sandbox.application_secret
    settings.OVH_WEB_HOSTS = [urlsplit(sandbox.api_base).netloc]
    return sandbox


@pytest.fixture
def customer(db: None) -> Any:
    """A signed-up customer without orders: user, nichandle and link."""
    return make_customer()


@pytest.fixture
def customer_client(customer: Any) -> Client:
    """That customer's browser."""
    client = Client()
    client.force_login(customer)
    return client
