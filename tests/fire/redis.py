"""A Redis that can be wiped, killed, brought back from a snapshot or with nothing, and looked into."""

from typing import Any

import redis

from durableflow.devstack import ValkeyServer


class Redis(ValkeyServer):
    """An embedded server that keeps what it was told to save, as a Redis with RDB snapshots does, and nothing else."""

    def _command(self, port: int) -> list[str]:
        command = super()._command(port)
        with (self.home / "valkey.conf").open("a") as configuration:
            configuration.write("appendonly no\n")  # the last word counts
        return command

    def wipe(self) -> None:
        with self.client() as client:
            client.flushall()

    def forget(self) -> None:
        """As new, for those who are connected."""
        self.wipe()
        (self.data / "dump.rdb").unlink(missing_ok=True)

    def save(self) -> None:
        """Take the snapshot that the server will come back from."""
        with self.client() as client:
            client.save()

    def crash(self) -> None:
        """kill -9, and a start."""
        self.kill()
        self.start()

    def waiting(self) -> int:
        """Messages in the queues, which no worker has taken; not those of remote control."""
        with self.client() as client:
            lists = [key for key in client.scan_iter(_type="list") if b"pidbox" not in key]
            return sum(int(client.llen(key)) for key in lists)

    def is_listened_to(self) -> bool:
        """Whether a worker would be handed a message that came now. It asks for a second at a time."""
        with self.client() as client:
            return int(client.info("clients")["blocked_clients"]) > 0

    def taken(self) -> frozenset[bytes]:
        """Messages that a worker has taken and not acknowledged, alive or dead."""
        with self.client() as client:
            return frozenset(client.hkeys("unacked"))

    def takings(self) -> frozenset[tuple[bytes, float]]:
        """``taken``, with the time of each: a message that is given again is soon taken again."""
        with self.client() as client:
            return frozenset(client.zrange("unacked_index", 0, -1, withscores=True))

    def let_pass(self, seconds: float) -> None:
        """Make that much older what workers have taken and not acknowledged."""
        with self.client() as client:
            for tag in client.zrange("unacked_index", 0, -1):
                client.zincrby("unacked_index", -seconds, tag)

    def client(self) -> Any:
        return redis.Redis.from_url(self.url)
