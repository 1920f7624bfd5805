"""A report that another service makes: submit it, look at it with growing pauses, and give up at a deadline."""

from datetime import timedelta

from durableflow import DurableFlow, Retry, current, sleep, timeout
from examples.poller.outside import SERVICE

df = DurableFlow("poller")

PERSISTENT = Retry(max_attempts=10, backoff=0.5, on=(ConnectionError,))


class ReportFailed(Exception):
    """The other service could not make it."""


@df.step(retry=PERSISTENT)
def submit(name: str) -> str:
    """Give the job away. The service sees the same key at every attempt, so it has one job."""
    return SERVICE.submit(current.idempotency_key, name)


@df.step(retry=PERSISTENT)
def state(job_id: str) -> str:
    """Ask how it stands. A service that cannot be reached is asked again, by the policy."""
    return SERVICE.state(job_id)


@df.step(retry=PERSISTENT)
def abort(job_id: str) -> None:
    """Tell the service that nobody waits any more."""
    SERVICE.abort(job_id)


@df.workflow
async def report(
    name: str,
    patience: timedelta = timedelta(hours=6),
    pause: timedelta = timedelta(seconds=10),
    longest_pause: timedelta = timedelta(minutes=10),
) -> str:
    """Have a report made. Raises ReportFailed, or TimeoutError where it takes longer than the patience."""
    job_id = await submit(name)
    try:
        async with timeout(patience):
            while (now := await state(job_id)) == "running":
                await sleep(pause)
                pause = min(2 * pause, longest_pause)
    except TimeoutError:
        await abort(job_id)
        raise
    if now != "done":
        raise ReportFailed(f"{name}: {now}")
    return f"{name}, by job {job_id}"
