"""``python -m examples.sentry``: three payments, and what Sentry would have been told of them."""

import os
import tempfile
import time
from pathlib import Path

from durableflow.errors import RunFailed
from examples.stage import stage


def main() -> None:
    """Pay one without trouble, one that is declined, and one whose slip kills its process."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["SENTRY_OUTBOX"] = str(Path(directory) / "outbox.jsonl")
        with stage("examples.sentry.bank:df", __doc__) as here:
            from examples.sentry.bank import pay

            for slip, euros in (("plain", 12), ("plain", 5000), ("crumpled", 12)):
                run = pay(slip, euros).start()
                print(f"{slip}, {euros} euros:")
                here.watch(run)
                try:
                    print(f"  {run.result()}\n")
                except RunFailed as failed:
                    print(f"  {failed.__cause__!r}\n")
            _show(expected=5)


def _show(expected: int) -> None:
    """Print the events, once there are so many; Sentry's client sends them from a thread of its own."""
    from examples.sentry.outbox import events

    until = time.monotonic() + 10
    while len(list(events())) < expected and time.monotonic() < until:
        time.sleep(0.1)
    print("Sentry was told:")
    for event in events():
        raised = event.get("exception", {}).get("values", [])
        what = f"{raised[-1]['type']}: {raised[-1]['value']}" if raised else event["message"]
        where = event.get("tags", {}).get("step") or event.get("tags", {}).get("workflow", "")
        print(f"  {event['level']:8} {where:14} {what:.90}".rstrip())


if __name__ == "__main__":
    main()
