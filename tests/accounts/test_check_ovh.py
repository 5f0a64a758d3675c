"""`manage.py check_ovh` tells an operator what is wrong with OVH_*."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def check() -> str:
    out = StringIO()
    call_command("check_ovh", stdout=out)
    return out.getvalue()


def test_good_settings_are_proved_line_by_line(ovh: Any) -> None:
    text = check()
    assert f"OVHcloud answers at {ovh.api_base}." in text
    assert "OVHcloud knows the application key" in text
    assert ovh.application_secret not in text


def test_an_unknown_application_key_is_named(ovh: Any, settings: Any) -> None:
    settings.OVH_APPLICATION_KEY = "0123456789abcdef"
    with pytest.raises(CommandError, match="does not know this application key"):
        check()


@pytest.fixture
def key(settings: Any) -> None:
    settings.OVH_APPLICATION_KEY = settings.OVH_APPLICATION_SECRET = "a key that nobody is asked about"


@pytest.mark.usefixtures("key")
def test_an_address_where_nobody_answers_is_named(settings: Any) -> None:
    settings.OVH_BASE_URL = "http://localhost:9/1.0"
    with pytest.raises(CommandError, match="does not answer at http://localhost:9/1.0"):
        check()


def test_a_missing_key_is_named(ovh: Any, settings: Any) -> None:
    settings.OVH_APPLICATION_KEY = ""
    with pytest.raises(CommandError, match="Set OVH_APPLICATION_KEY"):
        check()


@pytest.mark.usefixtures("key")
def test_an_address_that_is_none_is_named(settings: Any) -> None:
    settings.OVH_BASE_URL = "ftp://nowhere"
    with pytest.raises(CommandError, match="OVH_ENDPOINT or OVH_BASE_URL cannot be used"):
        check()
