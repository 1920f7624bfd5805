"""``./dev``, the lock file that it installs from, and ``.ci/run``, as far as no environment has to be made for it."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    spec = spec_from_loader("dev", SourceFileLoader("dev", str(ROOT / "dev")))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, ROOT / "dev", *arguments], capture_output=True, text=True, check=False)


def test_without_a_command_it_says_which_there_are(dev: ModuleType) -> None:
    bare, asked = _run(), _run("--help")
    assert (bare.returncode, asked.returncode) == (2, 0)
    assert bare.stdout == asked.stdout
    for name in dev.COMMANDS:
        assert f"./dev {name}" in asked.stdout


def test_an_unknown_command_is_refused() -> None:
    done = _run("tset")
    assert done.returncode == 2
    assert "there is no command 'tset'; there are demo, test," in done.stderr


def test_an_old_python_is_told_what_it_needs() -> None:
    # pyenv's own first: what it puts on PATH are shell scripts, which need the PATH that is taken away here.
    old = [str(path) for path in (Path.home() / ".pyenv" / "versions").glob("3.10.*/bin/python3")]
    old += [found for name in ("python3.10", "python3.9") if (found := shutil.which(name))]
    if not old:
        pytest.skip("there is no Python before 3.11 on this machine")
    done = subprocess.run([old[0], ROOT / "dev", "test"], env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is 3." in done.stderr


def test_paths_are_those_of_the_callers_directory(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "tests" / "support")
    assert dev.from_here("test_races.py::test_x") == f"{ROOT}/tests/support/test_races.py::test_x"
    assert dev.from_here("tests/support") == "tests/support"
    assert dev.from_here("-k") == "-k"


def test_a_change_of_the_lock_or_of_the_project_makes_the_environment_anew(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "LOCK", tmp_path / "requirements.lock")
    seen = {dev.fingerprint()}
    for name in ("requirements.lock", "pyproject.toml"):
        with (tmp_path / name).open("a") as file:
            file.write("\n")
        seen.add(dev.fingerprint())
    assert len(seen) == 3


def test_the_lock_pins_and_hashes_everything_and_names_no_index() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "--index" not in text
    requirements = re.split(r"\n(?=[a-z])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert len(requirements) > 50
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+(\[[a-z,-]+\])?==", requirement), requirement
        assert "--hash=sha256:" in requirement


def test_the_lock_has_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"], *(e for g in extras for e in g)]
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in asked} - {"durableflow"}
    locked = set(re.findall(r"(?m)^([a-z0-9-]+)(?:\[.*\])?==", (ROOT / "requirements.lock").read_text()))
    assert names <= locked


def test_what_ci_runs_is_a_script_that_bash_can_read() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)
