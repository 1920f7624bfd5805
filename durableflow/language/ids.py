"""Ids of runs: UUID version 7, so that rows that are made together lie together in the indexes."""

import os
import time
from uuid import UUID


def new_run_id() -> UUID:
    """A new id: 48 bits of milliseconds, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    bits = int.from_bytes(os.urandom(10), "big")
    high = (milliseconds & (1 << 48) - 1) << 16 | 0x7000 | bits >> 68
    low = 0b10 << 62 | bits & (1 << 62) - 1
    return UUID(int=high << 64 | low)
