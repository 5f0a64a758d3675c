"""Rotating the key that consumer keys are encrypted with: nothing is lost, nobody waits, what is old is counted."""

import threading
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts import crypto, rotation
from accounts.models import DroppedKey, Link, SignIn
from tests.factories import make_customer

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def stored(db: None, settings: Any) -> list[Any]:
    """A link, a journey and a dropped key, encrypted with the old key."""
    settings.CREDENTIAL_KEYS = [OLD]
    link = make_customer().links.get()
    link.keep_key("of a link")
    link.save()
    journey = SignIn(nonce_digest="n", validation_url="u")
    journey.keep_key("of a journey")
    journey.save()
    dropped = DroppedKey(bound_to="somebody", reason="left", next_attempt_at=timezone.now())
    dropped.encrypted_key = crypto.encrypt("dropped", bound_to="somebody")
    dropped.save()
    return [link, journey, dropped]


def run() -> str:
    said = StringIO()
    call_command("rotate_keys", stdout=said)
    return said.getvalue()


def test_every_stored_key_is_encrypted_anew_and_the_old_one_is_needed_no_more(stored, settings):
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    assert "3 keys stored, 3 of them" in run()
    settings.CREDENTIAL_KEYS = [NEW]
    secrets = []
    for row in stored:
        row.refresh_from_db()
        secrets.append(row.consumer_key())
    assert secrets == ["of a link", "of a journey", "dropped"]
    assert rotation.count_by_key() == {crypto.newest_id(): 3}


def test_running_it_again_changes_nothing(stored, settings):
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    run()
    before = Link.objects.get(pk=stored[0].pk).encrypted_key
    assert "0 of them" in run()
    assert Link.objects.get(pk=stored[0].pk).encrypted_key == before


def test_a_key_that_nobody_can_read_is_said_and_left_alone(stored, settings):
    settings.CREDENTIAL_KEYS = [NEW]
    with pytest.raises(CommandError, match="3 keys cannot be read"):
        run()
    settings.CREDENTIAL_KEYS = [OLD]
    assert Link.objects.get(pk=stored[0].pk).consumer_key() == "of a link"


def test_a_stored_key_opens_in_no_other_row(stored):
    link, journey, _dropped = stored
    journey.encrypted_key = link.encrypted_key
    with pytest.raises(crypto.KeyUnreadable):
        journey.consumer_key()


@pytest.mark.django_db(transaction=True)
def test_readers_and_writers_go_on_meanwhile(settings):
    settings.CREDENTIAL_KEYS = [OLD]
    links = [make_customer().links.get() for _ in range(60)]
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    wrong: list[str] = []
    over = threading.Event()

    def use() -> None:
        try:
            while not over.is_set():
                for link in links[::3]:
                    Link.objects.get(pk=link.pk).consumer_key()
                renewed = Link.objects.get(pk=links[1].pk)
                renewed.keep_key("renewed")
                renewed.save(update_fields=["encrypted_key"])
        except Exception as error:
            wrong.append(repr(error))
        finally:
            connection.close()

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    run()
    over.set()
    for user in users:
        user.join()
    assert wrong == []
    settings.CREDENTIAL_KEYS = [NEW]
    assert Link.objects.get(pk=links[1].pk).consumer_key() == "renewed"
