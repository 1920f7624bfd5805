"""Every Python block of the documentation runs, as a reader would run it: files in a directory, and real workers."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, name_of
from tests.worker.workers import Worker

MOST_ILLUSTRATIVE = 0
"""Blocks that are shown and not run. Raise it with a reason, here."""

MANAGE = "manage.py"
"""The file by which a page's project is known to be one of Django's."""

WITH_PYTHON = [page for page in PAGES if any(blocks(page, "python"))]


_STARTS = re.compile(r"\.start\(|\.post\(")
"""How a reader's code has runs started: by itself, or as a client of an application that does."""


class Project:
    """What a reader of one page has in a directory at the end: modules, tests, and what was typed as a script."""

    def __init__(self, page: Path, directory: Path) -> None:
        self.directory = directory
        self.modules: list[str] = []
        script = ""
        for block in blocks(page, "python"):
            name = block.file or "script.py"
            if name == "script.py":
                script += block.text
            else:
                self._write(name, block.text)
        self.script = script
        (directory / "script.py").write_text(script)

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        if path.parent != self.directory:
            path.parent.mkdir(exist_ok=True)
            (path.parent / "__init__.py").touch()
        elif name != MANAGE and path.stem not in self.modules:
            self.modules.append(path.stem)
        with path.open("a") as file:
            file.write(text)

    @property
    def is_djangos(self) -> bool:
        return (self.directory / MANAGE).exists()

    @property
    def tests(self) -> list[str]:
        return [f"{module}.py" for module in self.modules if module.startswith("test_")]

    @property
    def needs_servers(self) -> bool:
        return bool(_STARTS.search("".join(path.read_text() for path in self.directory.rglob("*.py"))))

    @property
    def applications(self) -> list[str]:
        """The modules whose workflows the script, or a file of the reader's, starts."""
        texts = [path.read_text() for path in self.directory.glob("*.py") if _STARTS.search(path.read_text())]
        used = {name for text in texts for name in re.findall(r"^from (\w+) import", text, re.MULTILINE)}
        return sorted(used & set(self.modules))

    def programs(self) -> Iterator[list[str]]:
        """What the reader runs."""
        if self.is_djangos:
            yield [MANAGE, "migrate", "--run-syncdb"]
        text = "".join(path.read_text() for path in self.directory.glob("*.py"))
        for module in self.modules:
            if f"{module}.py" not in self.tests and not re.search(rf"^(from|import) {module}\b", text, re.MULTILINE):
                yield [f"{module}.py"]
        if self.script:
            yield ["script.py"]
        if self.tests:
            yield ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", *self.tests]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    project = Project(page, tmp_path)
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "PYTHONWARNINGS": "error::RuntimeWarning"}
    with ExitStack() as stack:
        if project.needs_servers:
            env["DURABLEFLOW_DATABASE_URL"] = request.getfixturevalue("database_url")
            env["DURABLEFLOW_BROKER_URL"] = request.getfixturevalue("broker_url")
            for application in project.applications:
                stack.enter_context(_worker(application, project, env, "durableflow", "worker", f"{application}:df"))
            if project.is_djangos:
                env["DJANGO_SETTINGS_MODULE"] = "proj.settings"
                stack.enter_context(_worker("proj", project, env, "celery", "-A", "proj", "worker"))
        for program in project.programs():
            done = subprocess.run(
                [sys.executable, *program],
                cwd=tmp_path,
                env={**os.environ, **env},
                capture_output=True,
                text=True,
                timeout=90,
                check=False,
            )
            assert done.returncode == 0, f"{name_of(page)}: {program}\n{done.stdout}{done.stderr}"


def test_hardly_a_block_is_only_shown() -> None:
    shown = [block.place for page in PAGES for block in blocks(page) if block.illustrative]
    assert len(shown) <= MOST_ILLUSTRATIVE, shown


@contextmanager
def _worker(name: str, project: Project, env: dict[str, str], *command: str) -> Iterator[None]:
    worker = Worker(env, project.directory / f"{name}.log", *("-c", "2"), command=command)
    try:
        yield
    finally:
        worker.close()
        print(f"--- worker of {name}\n{worker.text()}")  # shown where the test fails
