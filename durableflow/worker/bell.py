"""A bell for an event loop: whoever rings it has the loop turn once more, at once."""

import socket


class Bell:
    """A pair of sockets, one of which the loop reads. (kombu's ``call_soon`` interrupts it from other threads only.)"""

    def __init__(self) -> None:
        self._heard, self._rung = socket.socketpair()
        for end in (self._heard, self._rung):
            end.setblocking(False)
        self._rings = False

    def ring(self) -> None:
        """Have the loop turn. Not from another thread."""
        if not self._rings:
            self._rings = True
            self._rung.send(b"!")

    def hush(self) -> None:
        """What the loop calls when it has turned."""
        self._rings = False
        self._heard.recv(16)

    def fileno(self) -> int:
        """What the loop reads."""
        return self._heard.fileno()

    def close(self) -> None:
        self._heard.close()
        self._rung.close()
