"""How many messages wait in a queue, as far as the broker can tell."""

from typing import Any

from celery import Celery


class Depth:
    """Asks by passive declaration, over a connection of its own that is kept. Called from one thread."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Any = None

    def __call__(self, queue: str) -> int | None:
        """The number of messages; 0 where the queue does not exist. Raises what the transport does."""
        if self._connection is None:
            self._connection = self._app.connection_for_write()
        connection = self._connection
        try:
            return int(connection.default_channel.queue_declare(queue=queue, passive=True).message_count)
        except connection.channel_errors as error:
            self.close()
            if getattr(error, "reply_code", None) in (404, "404"):
                return 0
            raise
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
