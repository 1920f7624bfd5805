"""What the documentation names exists: commands and options, pages and headings, numbers, refusals."""

import ast
import importlib.machinery
import importlib.util
import inspect
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import durableflow
from durableflow.cli.commands import app, without_application
from durableflow.config import Settings
from durableflow.errors import WorkflowDefinitionError
from durableflow.worker.shield import TURN_LIMIT
from tests.docs.pages import PAGES, ROOT, anchors, blocks, links, name_of

OTHERS = {"grep", ".", "cd", "docker", "export", "kill", "mkdir", "pip", "python", "python3", "sleep", "uvicorn"}
"""Programs of the reader's; what follows them is not checked."""

HOSTS = {"celery", "flask", "python"}
"""Programs that know the application of `durableflow ...` themselves: celery -A, flask --app, python manage.py."""

WORKFLOW_CODE = ROOT / "docs" / "concepts" / "workflow-code.md"


def typed(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The commands of a page's console blocks, as words."""
    for block in blocks(page, "console"):
        for line in block.text.splitlines():
            assert line.startswith("$ "), f"{block.place}: {line!r} is no command"
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=";&|")
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if not set(word) <= set(";&|"):
                    words.append(word)
                elif words:
                    yield block.place, words
                    words = []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_as_the_command_line_takes_them(page: Path) -> None:
    for place, (program, *arguments) in typed(page):
        if program == "durableflow":
            _parse(place, arguments)
        elif program in HOSTS and "durableflow" in arguments:
            given = "-m" not in arguments  # as in python -m durableflow, which is the program itself
            _parse(place, arguments[arguments.index("durableflow") + 1 :], given=given)
        elif program == "./dev":
            assert arguments[0] in _dev().COMMANDS, f"{place}: ./dev {arguments[0]}"
            if arguments[:2] == ["run", "durableflow"]:
                _parse(place, arguments[2:])
        elif program == "celery":
            _parse_celery(place, arguments)
        else:
            assert program in OTHERS, f"{place}: what is {program}?"


def test_links_lead_somewhere() -> None:
    lost = []
    for page in PAGES:
        for target in links(page):
            path, _, fragment = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            if "://" in target:
                continue
            if not there.exists() or (fragment and fragment not in anchors(there)):
                lost.append(f"{name_of(page)}: {target}")
    assert lost == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, todo = set(), [ROOT / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page not in reached and page.suffix == ".md" and page.is_file():
            reached.add(page)
            todo += [(page.parent / target.partition("#")[0]).resolve() for target in links(page)]
    assert set(PAGES) - {ROOT / "README.md"} <= reached


def test_the_table_of_refusals_is_complete() -> None:
    said = WORKFLOW_CODE.read_text()
    missing = [problem for problem in _problems() if problem not in said]
    assert missing == []


def test_the_api_page_names_what_is_exported_with_its_parameters() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text()
    for name in durableflow.__all__:
        assert f"\n## {name}\n" in text
    for function in (
        durableflow.DurableFlow,
        durableflow.DurableFlow.step,
        durableflow.DurableFlow.workflow,
        durableflow.Step.options,
        durableflow.Call.start,
        durableflow.Run.result,
        durableflow.Retry,
        durableflow.Cron,
        durableflow.Schedule.next,
        durableflow.Schedule.backfill,
    ):
        for parameter in inspect.signature(function).parameters.values():
            if parameter.name not in ("self", "function"):
                assert parameter.name in text, f"{function.__qualname__}: {parameter.name}"
                if parameter.kind is parameter.KEYWORD_ONLY or function is durableflow.Retry:
                    shown = repr(parameter.default).replace("<class 'Exception'>", "Exception")
                    assert f"{parameter.name}={shown}" in text, f"{function.__qualname__}: {parameter}"


def test_numbers_are_those_of_the_code() -> None:
    fields = Settings.model_fields
    for page, sentence in (
        ("concepts/workflow-code.md", f"has {TURN_LIMIT:g} seconds"),
        ("concepts/workflow-code.md", f"`DURABLEFLOW_MAX_TURN_TRIES` ({fields['max_turn_tries'].default})"),
        ("concepts/workers.md", f"`DURABLEFLOW_WORKER_TIMEOUT` ({fields['worker_timeout'].default:g} seconds)"),
        ("concepts/workers.md", f"`DURABLEFLOW_MAX_LOSSES` ({fields['max_losses'].default})"),
        ("how-to/idempotent-steps.md", f"`DURABLEFLOW_MAX_LOSSES` ({fields['max_losses'].default})"),
        ("how-to/production.md", f"`DURABLEFLOW_WINDOW` ({fields['window'].default})"),
        ("how-to/production.md", f"`DURABLEFLOW_WORKER_TIMEOUT` ({fields['worker_timeout'].default:g} s)"),
        ("concepts/values.md", f"`DURABLEFLOW_MAX_VALUE_BYTES` ({fields['max_value_bytes'].default >> 20} MiB)"),
    ):
        assert sentence in " ".join((ROOT / "docs" / page).read_text().split()), f"{page}: {sentence}"


def _parse(place: str, arguments: list[str], *, given: bool = False) -> None:
    """Parse as the command line does, and run nothing."""
    command: Any = without_application() if given else typer.main.get_command(app)
    context = None
    while hasattr(command, "commands"):
        name, *arguments = arguments or [""]
        assert name in command.commands, f"{place}: durableflow {name}"
        command = command.commands[name]
    try:
        context = command.make_context("durableflow", arguments)
    except Exception as refused:
        raise AssertionError(f"{place}: {' '.join(arguments)}: {refused}") from refused
    if command.name == "worker":
        _parse_celery(place, ["worker", *context.args])


def _parse_celery(place: str, arguments: list[str]) -> None:
    """Options of ``celery worker``, which Celery's own click knows."""
    from celery.bin.worker import worker

    known = {option for parameter in worker.params for option in parameter.opts} | {"-A", "--app"}
    for argument in arguments:
        if argument.startswith("-"):
            assert argument.partition("=")[0] in known, f"{place}: celery has no {argument}"


def _dev() -> Any:
    loader = importlib.machinery.SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _problems() -> Iterator[str]:
    """What the compiler may say is wrong, up to the first colon, as it stands in its source."""
    for path in sorted((ROOT / "durableflow" / "machine").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("refuse", "_no_await"):
                    yield from _text(node.args[1])
                elif name == WorkflowDefinitionError.__name__ and path.name == "source.py":
                    yield from _text(node.args[0])


def _text(node: ast.expr) -> Iterator[str]:
    """The longest literal part of a message, up to where it begins to explain."""
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if parts:
        longest = max(parts, key=len)
        for separator in (";", "; ", ": it", ": what", ": its", ": the", " (", "."):
            longest = longest.partition(separator)[0]
        yield longest.strip(" :`,")
