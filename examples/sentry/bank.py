"""A bank in which things go wrong: a step that is declined, and one whose process dies of it."""

import os
import signal

import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration

from durableflow import DurableFlow, Retry
from durableflow.errors import StepLost
from examples.sentry import reporting as reporting  # it connects the receivers
from examples.sentry.outbox import Outbox

# With a DSN of your own, and without the transport, this is all that there is to it. What is logged as an error is not
# made an event of its own here: the receivers have told of it.
sentry_sdk.init(
    dsn=os.environ.get("SENTRY_DSN", "https://public@sentry.example.org/1"),
    transport=Outbox,
    integrations=[LoggingIntegration(event_level=None)],
)

df = DurableFlow("bank", settings={"max_losses": 2})


class Declined(Exception):
    """Too much."""


@df.step(retry=Retry(max_attempts=2, backoff=0.1))
def transfer(euros: int) -> str:
    """Move money."""
    if euros > 1000:
        raise Declined(f"{euros} euros are too much")
    return f"{euros} euros"


@df.step
def scan(slip: str) -> str:
    """Read a slip; on some of them the scanner's library crashes, and takes the process along."""
    if slip == "crumpled":
        os.kill(os.getpid(), signal.SIGKILL)
    return slip.upper()


@df.workflow
async def pay(slip: str, euros: int) -> str:
    """Scan, and pay. A slip that cannot be read is paid all the same."""
    try:
        text = await scan(slip)
    except StepLost:
        text = "(kept on paper)"
    return f"{text}: {await transfer(euros)}"
