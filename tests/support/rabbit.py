"""A RabbitMQ of a test's own, which may be broken: the installed one, on a port and in a directory of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil

from durableflow.devstack.statedir import free_port

_PATIENCE = 120.0


class RabbitMissing(Exception):
    """RabbitMQ is not installed."""


class RabbitServer:
    """A RabbitMQ server; after ``kill`` it can be started again, with what it had stored.

    directory: everything that it writes; settings: of the Erlang application ``rabbit``, for which not all have a line
    in rabbitmq.conf.
    """

    title = "RabbitMQ"

    def __init__(self, directory: Path, **settings: int) -> None:
        self._home = directory
        self._programs = _programs()
        self._name = f"test{uuid4().hex[:12]}@localhost"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self._port}\n")
        arguments = ["+S 1:1 +sbwt none"]  # leave the processor to the test
        arguments += [f"-rabbit {name} {value}" for name, value in settings.items()]
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),  # the cookie by which rabbitmqctl is known
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": " ".join(arguments),
        }

    @property
    def url(self) -> str:
        """``amqp://`` URL of the default vhost."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    @property
    def log(self) -> str:
        """What the server has logged."""
        return "".join(path.read_text(errors="replace") for path in sorted((self._home / "log").glob("*.log")))

    def start(self) -> "RabbitServer":
        """Start it, and wait until it takes connections."""
        with (self._home / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [self._programs / "rabbitmq-server"],
                env=self._env,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            said = (self._home / "output").read_text(errors="replace")
            assert self._process.poll() is None, f"RabbitMQ ended at its start:\n{said}"
            assert time.monotonic() < deadline, f"RabbitMQ does not answer:\n{said}"
            time.sleep(0.2)
        return self

    def kill(self) -> None:
        """kill -9 of the server, and of what it has started."""
        process, self._process = self._process, None
        if process is None:
            return
        doomed = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
        for each in doomed:
            with suppress(psutil.NoSuchProcess):  # helpers of Erlang's come and go
                if each.name() != "epmd":  # serves others of this machine
                    each.send_signal(signal.SIGKILL)
        process.wait(_PATIENCE)

    stop = kill

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl on it, and give what it says."""
        command = [self._programs / "rabbitmqctl", "-q", "-n", self._name, *arguments]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def _answers(self) -> bool:
        """Whether it greets a client. (amqp leaves a socket open where the server closes it in the greeting.)"""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False


def _programs() -> Path:
    """Where the programs are that run as whoever calls them; Debian's on the PATH change to a user of their own."""
    behind = Path("/usr/lib/rabbitmq/bin")
    if (behind / "rabbitmq-server").exists():
        return behind
    found = shutil.which("rabbitmq-server")
    if found is None:
        raise RabbitMissing("rabbitmq-server is not installed")
    return Path(found).resolve().parent
