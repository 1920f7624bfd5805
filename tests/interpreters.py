"""Run the tests of the machine and of the codec on every Python from 3.11 to 3.13 that is on this machine.

    ./dev run python -m tests.interpreters [ARGS]      ARGS go to pytest

Bytecode, comprehension scopes, f-strings and ``except*`` differ between them, while a checkpoint that one of them wrote
is read by another. Interpreters are looked for on PATH, among pyenv's versions and among uv's; each gets an environment
of its own under ``.durableflow/interpreters``, from requirements.lock, checked by hash. The one that runs this script
is left out: ``./dev test`` has run everything on it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ROOT / ".durableflow" / "interpreters"
SUITES = ("tests/codec", "tests/machine", "tests/fidelity")
MINORS = (11, 12, 13)


def main(arguments: list[str]) -> int:
    """Run the suites everywhere; 1 when they failed anywhere."""
    summary: list[str] = []
    failed = False
    for minor in MINORS:
        version = f"3.{minor}"
        if sys.version_info[:2] == (3, minor):
            summary.append(f"{version}  runs this script: ./dev test covers it")
            continue
        interpreter = find(minor)
        if interpreter is None:
            summary.append(f"{version}  NOT FOUND: neither on PATH nor among the versions of pyenv and uv")
            continue
        print(f"==== {version}: {interpreter}", flush=True)
        python = environment_of(version, interpreter)
        status = run_suites(python, arguments) or hand_over(Path(sys.executable), python)
        failed = failed or status != 0
        summary.append(f"{version}  {'passed' if status == 0 else f'FAILED (status {status})'}  {interpreter}")
    print("\n".join(["==== machine and codec, by interpreter", *summary]), flush=True)
    return int(failed)


def find(minor: int) -> Path | None:
    """The first interpreter of this minor version that works: a shim of pyenv may be there and lead nowhere."""
    return next((path for path in _candidates(minor) if _is_version(path, minor)), None)


def _candidates(minor: int) -> Iterator[Path]:
    on_path = shutil.which(f"python3.{minor}")
    if on_path:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python3"), reverse=True)
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python")
    yield from sorted(uv.glob(f"*-3.{minor}.*/bin/python3"), reverse=True)


def _is_version(interpreter: Path, minor: int) -> bool:
    probe = f"import sys, ssl; sys.exit(sys.version_info[:2] != (3, {minor}))"
    try:
        return subprocess.run([interpreter, "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def environment_of(version: str, interpreter: Path) -> Path:
    """Make the environment of one interpreter; return its Python."""
    dev = _dev()
    venv = ENVIRONMENTS / version
    python, stamp = venv / "bin" / "python", venv / ".stamp"
    if not (python.exists() and stamp.exists() and stamp.read_text() == dev.fingerprint()):
        dev.make_uv()
        into = ["--quiet", "--python", python]
        locked = ["--require-hashes", dev.LOCK]
        dev.install([dev.UV, "venv", "--quiet", "--clear", "--python", interpreter, venv], f"make {venv}")
        dev.install([dev.UV, "pip", "sync", *into, *locked], "install what requirements.lock names")
        itself = [*into, "--no-deps", "--no-build-isolation", "--editable", ROOT]
        dev.install([dev.UV, "pip", "install", *itself], "install durableflow itself")
        stamp.write_text(dev.fingerprint())
    return python


def _dev() -> ModuleType:
    """The script ``./dev`` as a module: how environments are made is said once."""
    spec = spec_from_loader("dev", SourceFileLoader("dev", str(ROOT / "dev")))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_suites(python: Path, arguments: list[str]) -> int:
    """Run the suites with this Python; their status."""
    suites = [suite for suite in SUITES if (ROOT / suite).exists()]
    parallel = ["-n", str(min(os.cpu_count() or 2, 4)), "--dist", "worksteal"]
    command = [python, "-m", "pytest", "-q", *parallel, "-p", "no:cacheprovider", *suites, *arguments]
    return subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")}


def hand_over(one: Path, other: Path) -> int:
    """Let each of two interpreters go on from the checkpoints that the other one has written."""
    for writer, reader in ((one, other), (other, one)):
        file = ENVIRONMENTS / "checkpoints.json"
        for python, verb in ((writer, "write"), (reader, "read")):
            command = [python, "-m", "tests.fidelity.handover", verb, file]
            status = subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode
            if status != 0:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
