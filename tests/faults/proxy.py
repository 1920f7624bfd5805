"""A TCP proxy before PostgreSQL that understands enough of the protocol to fail at a chosen statement.

It stands between the workers and the server, and counts the statements of the processes that run steps (not the
steward's). At the chosen one it acts *before* the statement reaches the server, or *after* it has landed and before the
reply gets back: the case in which nobody can know what happened. Acting is: cut the connection, and whatever else the
test wants to do at that moment, such as kill a process.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

_APPLICATION = b"durableflow step"
_HEADER = 5  # a byte for the kind of message, four for its length

When = Literal["before", "after"]


@dataclass
class Fault:
    """What is to happen. nth: at which of the statements that match, from 1; also: done just before the cut;
    statements: those that were seen until then; done: it has happened."""

    nth: int
    when: When
    matches: Callable[[str], bool]
    also: Callable[[], None]
    statements: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def strikes(self, statement: str) -> bool:
        """Whether this statement, which comes now, is the one."""
        if self.done.is_set() or not self.matches(statement):
            return False
        self.statements.append(statement)
        return len(self.statements) == self.nth


class Proxy:
    """Listens on a port of its own, in a thread of its own."""

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self._fault: Fault | None = None
        self._loop = asyncio.new_event_loop()
        self._listener = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._port: int = self._listener.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The server's URL, through the proxy, which reads no encrypted traffic."""
        credentials = self._server.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{self._port}" if credentials else f"127.0.0.1:{self._port}"
        return self._server._replace(netloc=netloc, query="sslmode=disable&gssencmode=disable").geturl()

    @contextmanager
    def fault(
        self,
        nth: int,
        when: When,
        *,
        matches: Callable[[str], bool] = lambda statement: True,
        also: Callable[[], None] = lambda: None,
    ) -> Iterator[Fault]:
        """Fail once, while the block lasts: see Fault."""
        self._fault = fault = Fault(nth, when, matches, also)
        try:
            yield fault
        finally:
            self._fault = None

    def cut_at_each(self, when: When, run: Callable[[int], None]) -> int:
        """Cut the connection at each statement of what ``run`` does, one after the other, until it has fewer than that.

        run: is given which one it is. Gives how often it was called.
        """
        nth, reached = 0, True
        while reached:
            nth += 1
            with self.fault(nth, when) as fault:
                run(nth)
            reached = fault.done.is_set()
        return nth

    def close(self) -> None:
        async def end() -> None:
            self._listener.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection(self._server.hostname, self._server.port or 5432)
        session = _Session(self, client, to_client, server, to_server)
        pumps = [asyncio.ensure_future(pump()) for pump in (session.requests, session.replies)]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for outcome in await asyncio.gather(*pumps, return_exceptions=True):
                if isinstance(outcome, Exception) and not isinstance(outcome, EOFError | OSError):
                    self._loop.call_exception_handler({"message": "the proxy failed", "exception": outcome})
            for writer in (to_client, to_server):
                writer.transport.abort()

    def strikes(self, statement: str) -> Fault | None:
        """The fault, where this statement is the one that it waits for."""
        fault = self._fault
        return fault if fault is not None and fault.strikes(statement) else None


class _Session:
    """One connection."""

    def __init__(
        self,
        proxy: Proxy,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._client, self._to_client = client, to_client
        self._server, self._to_server = server, to_server
        self._counts = False
        self._prepared: dict[bytes, str] = {}
        self._struck: Fault | None = None

    async def requests(self) -> None:
        """From the client: whole groups of messages, each up to its Sync."""
        startup = await self._client.readexactly(4)
        startup += await self._client.readexactly(int.from_bytes(startup) - 4)
        self._counts = _APPLICATION in startup
        self._to_server.write(startup)
        group, statement = b"", ""
        while True:
            kind, message = await _read(self._client)
            group += message
            body = message[_HEADER:]
            if kind == b"P":
                name, query = body.split(b"\0")[:2]
                self._prepared[name] = query.decode()
            elif kind == b"B":
                statement = self._prepared[body.split(b"\0")[1]]
            elif kind == b"Q":
                statement = body.rstrip(b"\0").decode()
            if kind in b"PBDEC":
                continue
            self._struck = self._proxy.strikes(statement) if statement and self._counts else None
            if self._struck is not None and self._struck.when == "before":
                self._strike(self._struck)
                return
            self._to_server.write(group)
            await self._to_server.drain()
            group, statement = b"", ""

    async def replies(self) -> None:
        """From the server. What it says to a statement that is struck ends here, once it is ready for the next."""
        while True:
            kind, message = await _read(self._server)
            if self._struck is None:
                self._to_client.write(message)
                await self._to_client.drain()
            elif kind == b"Z":
                self._strike(self._struck)
                return

    def _strike(self, fault: Fault) -> None:
        fault.also()
        for writer in (self._to_client, self._to_server):
            writer.transport.abort()
        fault.done.set()


async def _read(stream: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One message: its kind, and all of it."""
    header = await stream.readexactly(_HEADER)
    return header[:1], header + await stream.readexactly(int.from_bytes(header[1:]) - 4)
