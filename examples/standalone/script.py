"""One file that defines a workflow, starts a run of it, and waits for the result.

`python script.py`, with a worker beside it (`durableflow worker script:df`). Whoever ends this script and starts it
again on the same day gets the run that is there already, and its result: the key names it.
"""

from datetime import date, timedelta
from pathlib import Path
from zlib import crc32

from durableflow import DurableFlow, Retry, gather, sleep

df = DurableFlow("checksums")


@df.step
def python_files(directory: Path) -> list[Path]:
    """What there is to do."""
    return sorted(directory.glob("*.py"))


@df.step(retry=Retry(max_attempts=3, on=(OSError,)))
def checksum(file: Path) -> int:
    """The work. The workers run several at a time."""
    return crc32(file.read_bytes())


@df.workflow
async def checksums(directory: Path) -> dict[str, int]:
    """All of it; whatever dies, it goes on with the files that are left."""
    files = await python_files(directory)
    sums = await gather(*(checksum(file) for file in files))
    await sleep(timedelta(seconds=0.2))
    return {file.name: found for file, found in zip(files, sums, strict=True)}


if __name__ == "__main__":
    run = checksums(Path(__file__).parent).start(key=f"checksums of {date.today()}")
    print(f"run {run.id}")
    for name, found in run.result(timeout=60).items():
        print(f"{found:08x}  {name}")
