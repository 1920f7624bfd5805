"""A pooler such as PgBouncer, as small as the tests need it: in session mode, or in transaction mode.

As PgBouncer's, a client's process id is of the pooler's own making, and startup options are refused. libpq does the
handshake with the server; from there on, bytes are handed on.
"""

import itertools
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import psycopg


class _Server:
    """A session with PostgreSQL, of which only the socket is used."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, sslmode="disable", gssencmode="disable", autocommit=True)
        self.socket = socket.socket(fileno=socket.dup(self._connection.fileno()))
        self.socket.setblocking(True)
        self.lock = threading.Lock()

    def close(self) -> None:
        self.socket.close()
        self._connection.close()


class Pooler:
    """url: to connect to instead. lends: in transaction mode, where all clients share one server process."""

    def __init__(self, server: str, *, lends: bool) -> None:
        self._server = server
        self._shared = _Server(server) if lends else None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        address = urlsplit(server)
        self.url = f"postgresql://{address.username}@127.0.0.1:{self._listener.getsockname()[1]}{address.path}"
        self._pids = itertools.count(7)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        if self._shared is not None:
            self._shared.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client:
            if b"options" in _startup(client):
                client.sendall(_message(b"E", b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"))
                return
            greeting = _message(b"R", struct.pack("!i", 0))
            for name, value in (("client_encoding", "UTF8"), ("server_version", "18.0"), ("server_encoding", "UTF8")):
                greeting += _message(b"S", f"{name}\0{value}\0".encode())
            greeting += _message(b"K", struct.pack("!ii", next(self._pids), 0))
            client.sendall(greeting + _message(b"Z", b"I"))
            server = self._shared or _Server(self._server)
            try:
                while _transaction(client, server):
                    pass
            finally:
                if server is not self._shared:
                    server.close()


def _transaction(client: socket.socket, server: _Server) -> bool:
    """Hand on what belongs to one transaction. False: the client has ended."""
    kind, message = _read(client)
    with server.lock:
        while True:
            if kind == b"X":
                return False
            server.socket.sendall(message)
            if kind in (b"Q", b"S"):
                answer = b""
                while answer != b"Z":
                    answer, said = _read(server.socket)
                    client.sendall(said)
                if said[-1:] == b"I":
                    return True
            kind, message = _read(client)


def _startup(client: socket.socket) -> bytes:
    while True:
        (length,) = struct.unpack("!i", _exactly(client, 4))
        packet = _exactly(client, length - 4)
        if struct.unpack("!i", packet[:4])[0] < 80_000_000:
            return packet
        client.sendall(b"N")  # neither TLS nor GSS


def _read(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 5)
    return head[:1], head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@contextmanager
def pooler(server: str, *, lends: bool) -> Iterator[str]:
    """A pooler in front of a server; gives the URL to connect to."""
    one = Pooler(server, lends=lends)
    try:
        yield one.url
    finally:
        one.close()
