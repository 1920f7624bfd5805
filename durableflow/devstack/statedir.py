"""The directory that an embedded server keeps between its starts: its data, its password, its port, its log."""

import fcntl
import os
import secrets
import shutil
import socket
from pathlib import Path

from durableflow.errors import DevStackError, StateDirectoryInUse

_LOG_LIMIT = 10 * 1024 * 1024  # bytes; a longer log moves to `.1` at the next start


class Lock:
    """At most one holder of a directory; the kernel lets go when the holder ends, also by SIGKILL."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the directory.

        Raises:
            StateDirectoryInUse: another process, or another server object of this one, has it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StateDirectoryInUse(
                f"{self._path.parent} is in use by process {holder}: stop that one, or give another state directory"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def make_root(directory: Path) -> None:
    """Create the directory of a whole stack, and keep git away from it: it holds passwords and data.

    Raises:
        DevStackError: it cannot be created or written.
    """
    make(directory)
    if not any(directory.iterdir()):
        (directory / ".gitignore").write_text("*\n")


def make(directory: Path) -> None:
    """Create the directory, for its owner only where this call creates it.

    Raises:
        DevStackError: it cannot be created or written.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DevStackError(f"cannot use {directory} as a state directory: {error.strerror}") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise DevStackError(f"cannot use {directory} as a state directory: it is not writable for this user")


def write_private(path: Path, text: str) -> None:
    """Replace a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def password(path: Path) -> str:
    """The password kept in this file; the first call makes it."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        made = secrets.token_urlsafe(24)
        write_private(path, made)
        return made


def read_number(path: Path) -> int | None:
    """The number kept in this file, such as a port or a process id; None where there is none."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def open_log(path: Path) -> int:
    """Open a log for appending; returns the file descriptor. A log that has grown long is put aside first."""
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(path.suffix + ".1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, indented for an error message."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def remove_tree(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
