"""Count the words of the files that a step finds: one step a file, a few at a time, errors collected."""

from dataclasses import dataclass
from pathlib import Path

from durableflow import DurableFlow, Retry, gather

df = DurableFlow("words")


@dataclass(frozen=True)
class Report:
    """words: by file; unread: why, by file."""

    words: dict[str, int]
    unread: dict[str, str]


@df.step
def find(directory: str) -> list[str]:
    """The text files of a directory. How many there are, nobody knows before."""
    return sorted(str(path) for path in Path(directory).glob("**/*.txt"))


@df.step(retry=Retry(max_attempts=3, backoff=0.2, on=(OSError,)))
def count(file: str) -> int:
    """Count the words of one file."""
    return len(Path(file).read_text(encoding="utf-8").split())


@df.workflow
async def count_words(directory: str, at_a_time: int = 4) -> Report:
    """Count them all. at_a_time: how many files are read at the same moment, over all workers."""
    files = await find(directory)
    counts = await gather(*(count(file) for file in files), limit=at_a_time, return_exceptions=True)
    words, unread = {}, {}
    for file, found in zip(files, counts, strict=True):
        if isinstance(found, BaseException):
            unread[file] = repr(found)
        else:
            words[file] = found
    return Report(words, unread)
