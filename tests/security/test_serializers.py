"""Whoever can write to Valkey runs no code here: JSON is all that is read back."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from kombu import Connection, Consumer, Producer, Queue
from kombu.exceptions import ContentDisallowed

from panel.celery import app


class Bomb:
    """Pickled, it makes a file where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_bomb_goes_off_where_pickles_are_loaded(tmp_path: Path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "struck")))
    assert (tmp_path / "struck").exists()


def test_a_pickle_in_the_cache_reads_as_nothing(tmp_path: Path):
    bomb = Bomb(tmp_path / "struck")
    for text in (pickle.dumps(bomb), pickle.dumps(bomb, protocol=0), b"\x80\x04", b"{", b"\xff"):
        cache._cache.get_client(write=True).set(cache.make_and_validate_key("planted"), text)  # type: ignore[attr-defined]
        assert cache.get("planted") is None
    assert not bomb.path.exists()
    with pytest.raises(TypeError):
        cache.set("planted", bomb)


@pytest.mark.parametrize("kind", ["pickle", "yaml", "application/x-python-serialize"])
def test_a_pickle_in_the_broker_is_refused(tmp_path: Path, kind: str):
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == app.conf.result_serializer == app.conf.event_serializer == "json"
    bomb, refused = Bomb(tmp_path / "struck"), []
    with Connection(app.conf.broker_url, transport_options=app.conf.broker_transport_options) as connection:
        queue = Queue(f"planted-{kind.replace('/', '-')}", channel=connection.channel())
        body = pickle.dumps(([bomb], {}, {}))
        content = "application/x-python-serialize" if kind == "pickle" else kind
        Producer(connection, routing_key=queue.name).publish(
            body, content_type=content, content_encoding="binary", headers={"task": "orders.tasks.sing", "id": "1"}
        )

        def take(message: Any) -> None:
            with pytest.raises(ContentDisallowed):
                message.decode()
            refused.append(message)
            message.ack()

        with Consumer(connection, queues=[queue], accept=app.conf.accept_content, on_message=take):
            connection.drain_events(timeout=5)
        queue.delete()
    assert len(refused) == 1
    assert not bomb.path.exists()


def test_sessions_are_json(settings: Any):
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
