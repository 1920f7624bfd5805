"""Declare queues on RabbitMQ, and take those that are there as they are.

RabbitMQ refuses to declare a queue that exists with other arguments, and closes the channel over it: Celery's worker
then ends. But who declared it first (another application, an operator who wants a quorum queue) has decided; for our
messages any queue will do.
"""

import logging
from collections.abc import Iterator
from typing import Any

_log = logging.getLogger(__name__)

_PRECONDITION_FAILED = 406
_QUORUM = {"x-queue-type": "quorum"}


def declare(connection: Any, queue: Any) -> None:
    """Declare the queue over channels of its own; one that exists keeps its arguments, and ``queue`` learns of them.

    It has to know a quorum queue as such, for whose consumers Celery limits the prefetch in another way. queue: the one
    in ``app.amqp.queues``.
    """
    if queue.no_declare:
        return
    refused: Any = None
    for arguments in _candidates(queue.queue_arguments):
        with connection.channel() as channel:
            bound = queue(channel)
            bound.queue_arguments = arguments
            try:
                bound.declare()
            except connection.channel_errors as error:
                if getattr(error, "reply_code", None) != _PRECONDITION_FAILED:
                    raise
                refused = refused or error
                continue
        queue.queue_arguments = arguments
        break
    else:
        queue.no_declare = True
    if refused is not None:
        _log.warning(
            "queue %s is used as it is in RabbitMQ, not as this application would declare it: %s",
            queue.name,
            refused.reply_text,
        )


def _candidates(arguments: dict[str, Any] | None) -> Iterator[dict[str, Any] | None]:
    """What the queue may have been declared with: as we would, or else in one of the usual ways.

    A quorum queue refuses ``x-max-priority``, also one that does not exist yet.
    """
    yield arguments
    yield _QUORUM
    yield None
