"""A server for one whole test run, kept by a process of its own: ``python -m tests.support.keeper NAME DIRECTORY``.

All the processes of a run (one, or the workers of pytest-xdist) use one PostgreSQL and one broker. Whoever needs one
first starts its keeper. Each user holds a shared lock on a file; the keeper waits for the exclusive one, which it gets
when the last user has ended, however it ended, and then stops the server.

The server is a container where a Docker engine answers, otherwise the embedded one.
"""

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from durableflow.errors import DurableFlowError


class ServerUnavailable(Exception):
    """No server can be had; the message says why."""


# ---------------------------------------------------------------- the users' side


def shared_server(name: str, directory: Path) -> str:
    """The URL of the run's server ``postgres`` or ``broker``, which is started now if nobody has yet.

    It stays up until this process ends. Raises ServerUnavailable.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"{name}.starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        _become_user(name, directory)
        known = directory / f"{name}.url"
        if not known.exists():
            known.write_text(_start_keeper(name, directory))
        return known.read_text()


_held: dict[str, object] = {}


def _become_user(name: str, directory: Path) -> None:
    key = f"{directory}/{name}"
    if key not in _held:
        users = (directory / f"{name}.users").open("w")
        fcntl.flock(users, fcntl.LOCK_SH)  # kept until the process ends
        _held[key] = users


def _start_keeper(name: str, directory: Path) -> str:
    log = directory / f"{name}.log"
    with log.open("w") as errors:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.keeper", name, str(directory)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests; the keeper ends after them
        )
    assert keeper.stdout is not None
    with keeper.stdout:
        url = keeper.stdout.readline().strip()
    if not url:
        keeper.wait()
        said = log.read_text().strip().splitlines()
        raise ServerUnavailable(said[-1] if said else f"the keeper of {name} ended without a word")
    _held[f"{directory}/{name}/keeper"] = keeper
    keeper.returncode = 0  # nobody waits for it: it outlives this process by design
    return url


# ---------------------------------------------------------------- the keeper's side


def main() -> None:
    name, directory = sys.argv[1], Path(sys.argv[2])
    try:
        with _SERVERS[name](directory) as url, (directory / f"{name}.users").open("w") as users:
            print(url, flush=True)
            fcntl.flock(users, fcntl.LOCK_EX)
            (directory / f"{name}.url").unlink(missing_ok=True)
    except (DurableFlowError, ImportError) as error:
        sys.exit(" ".join(str(error).split()))


@contextmanager
def _postgres(directory: Path) -> Iterator[str]:
    with suppress(_NoDocker), _docker_postgres() as url:
        yield url
        return
    from durableflow.devstack.postgres import PostgresServer

    with PostgresServer(directory / "state") as server:
        yield server.url


@contextmanager
def _broker(directory: Path) -> Iterator[str]:
    with suppress(_NoDocker), _docker_redis() as url:
        yield url
        return
    from durableflow.devstack.valkey import ValkeyServer

    with ValkeyServer(directory / "state") as server:
        yield server.url


class _NoDocker(Exception):
    pass


@contextmanager
def _docker_postgres() -> Iterator[str]:
    with _docker():
        from testcontainers.community.postgres import PostgresContainer

        container = PostgresContainer("postgres:18-alpine", driver=None)
    with container:
        yield container.get_connection_url()


@contextmanager
def _docker_redis() -> Iterator[str]:
    with _docker():
        from testcontainers.community.redis import RedisContainer

        container = RedisContainer("redis:7-alpine")
    with container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"


@contextmanager
def _docker() -> Iterator[None]:
    """Turn "no Docker engine here" (its library is missing, or nothing answers) into ``_NoDocker``."""
    try:
        from docker.errors import DockerException
    except ImportError:
        raise _NoDocker from None
    try:
        yield
    except (ImportError, DockerException):
        raise _NoDocker from None


_SERVERS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {"postgres": _postgres, "broker": _broker}


if __name__ == "__main__":
    main()
