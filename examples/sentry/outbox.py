"""A transport of Sentry's SDK that sends nothing: it puts each event into a file, where everybody can read it."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport


def place() -> Path:
    """The file: one event a line."""
    return Path(os.environ.get("SENTRY_OUTBOX", Path(tempfile.gettempdir()) / "durableflow-sentry.jsonl"))


class Outbox(Transport):
    """Stands for Sentry. Several processes may write: a line is one write."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep the event of an envelope, if it has one."""
        event = envelope.get_event()
        if event is not None:
            with place().open("ab", buffering=0) as file:
                file.write(json.dumps(event, default=str).encode() + b"\n")


def events() -> Iterator[dict[str, Any]]:
    """What has been reported."""
    if place().exists():
        for line in place().read_text().splitlines():
            yield json.loads(line)
