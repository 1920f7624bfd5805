"""Somebody else's service: it takes jobs, and tells how they stand. One file a job; nothing of durableflow."""

import os
import tempfile
from pathlib import Path


class Service:
    """Its jobs are done when they have been looked at so often as their name has letters."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def submit(self, key: str, name: str) -> str:
        """Take a job, once a key. Gives its id."""
        self._directory.mkdir(parents=True, exist_ok=True)
        job = self._directory / key.replace(":", "-")
        if not job.exists():
            job.write_text(name)
        return job.name

    def state(self, job_id: str) -> str:
        """running, done, failed or aborted."""
        job = self._directory / job_id
        left = job.read_text()
        if left in ("", "aborted"):
            return left or "done"
        if left == "!":
            return "failed"
        job.write_text(left[1:])
        return "running"

    def abort(self, job_id: str) -> None:
        """Stop working on it."""
        (self._directory / job_id).write_text("aborted")


SERVICE = Service(Path(os.environ.get("POLLER_JOBS", Path(tempfile.gettempdir()) / "durableflow-poller")))
