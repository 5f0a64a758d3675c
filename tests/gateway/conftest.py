from collections.abc import Iterator

import pytest

from gateway import Application, Gateway
from tests.gateway.crooked import Crooked

KEY = "ConsumerKeyThatMustNotBeSeen0001"
SECRET = "ApplicationSecretNotToBeSeen0001"


@pytest.fixture
def crooked() -> Iterator[Crooked]:
    server = Crooked()
    yield server
    server.close()


@pytest.fixture
def application(crooked: Crooked) -> Application:
    return Application("ovh-eu", crooked.base_url, "ApplicationKey01", SECRET)


@pytest.fixture
def gateway(application: Application) -> Gateway:
    return Gateway(application, KEY)
