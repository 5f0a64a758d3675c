import os
import signal
import stat
import time

import pytest
import redis

from embedded import EmbeddedError, Valkey


@pytest.mark.parametrize("name", ["with a space", "long" * 40])
def test_it_answers_by_its_url(open_path, name):
    with Valkey(open_path / name) as valkey, redis.Redis.from_url(valkey.url) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}


def test_its_socket_is_closed_to_others(open_path):
    with Valkey(open_path / "valkey") as valkey:
        path = valkey.url.removeprefix("unix://").removesuffix("?db=0")
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


def test_it_keeps_nothing(open_path):
    valkey = Valkey(open_path / "valkey")
    with valkey, redis.Redis.from_url(valkey.url) as client:
        client.set("bell", "rung")
    with valkey, redis.Redis.from_url(valkey.url) as client:
        assert client.get("bell") is None


def test_a_server_that_was_killed_starts_again_at_the_same_address(open_path):
    with Valkey(open_path / "valkey") as valkey:
        before = valkey.url
        os.kill(valkey.pid, signal.SIGKILL)
        while valkey.is_running():
            time.sleep(0.01)
        valkey.start()
        assert valkey.url == before
        with redis.Redis.from_url(before) as client:
            assert client.ping()


def test_a_paused_server_can_be_stopped(open_path):
    valkey = Valkey(open_path / "valkey")
    valkey.start()
    os.kill(valkey.pid, signal.SIGSTOP)
    began = time.monotonic()
    valkey.stop()
    assert time.monotonic() - began < 2


def test_a_second_server_on_the_same_data_is_refused(open_path):
    with Valkey(open_path / "valkey"), pytest.raises(EmbeddedError, match="already runs"):
        Valkey(open_path / "valkey").start()
