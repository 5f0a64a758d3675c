from collections.abc import Iterator

import pytest

from tests.sandboxes import Sandbox

from .client import Signing


@pytest.fixture
def anna(sandbox: Sandbox) -> Iterator[Signing]:
    """The private individual in France, with orders of every status."""
    signing = Signing(sandbox, sandbox.customers[0])
    yield signing
    signing.session.close()
