"""The package as it is installed, without the repository around it, can migrate a database."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import psycopg
import pytest

from durableflow.migrations import head_revision
from tests.schema.catalog import GOLDEN, describe

ROOT = Path(__file__).parents[2]

_MIGRATE = """
import durableflow, sys
from durableflow.cli import main
print(durableflow.__file__)
sys.argv = ["durableflow", "migrate"]
main()
"""


def _uv() -> str:
    own = ROOT / ".tools" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        why = "no uv to build a wheel with: run the tests by ./dev test"
        if os.environ.get("CI") == "true":
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return found


def _run(command: list[str], **environment: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the wheel installs."""
    directory = tmp_path_factory.mktemp("wheel")
    _run([_uv(), "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", str(directory), str(ROOT)])
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory / "site")
    return directory / "site"


def test_an_installed_wheel_migrates_an_empty_database(installed: Path, empty_database_url: str) -> None:
    dependencies = sysconfig.get_path("purelib")
    # -S: without the environment's own .pth files, one of which leads to the repository.
    told = _run(
        [sys.executable, "-S", "-P", "-c", _MIGRATE],
        PYTHONPATH=os.pathsep.join([str(installed), dependencies]),
        DURABLEFLOW_DATABASE_URL=empty_database_url,
    )
    assert told.splitlines()[0] == str(installed / "durableflow" / "__init__.py")
    assert told.splitlines()[-1].endswith(f"is at schema {head_revision()}")
    with psycopg.connect(empty_database_url) as connection:
        assert describe(connection, "durableflow_core", "durableflow") == GOLDEN.read_text()


def test_the_wheel_holds_the_package_and_nothing_else_of_the_repository(installed: Path) -> None:
    names = {entry.name for entry in installed.iterdir() if not entry.name.endswith(".dist-info")}
    assert names == {"durableflow"}
