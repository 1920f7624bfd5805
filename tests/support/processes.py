"""Whether processes that the test did not start itself have ended."""

import time
from collections.abc import Iterable

import psutil


def all_end(processes: Iterable[psutil.Process], timeout: float) -> bool:
    """Whether all of these end within ``timeout`` seconds. One that its parent has not asked for yet has ended."""
    deadline = time.monotonic() + timeout
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
