"""From a function to its source, and the version that this gives."""

import dataclasses
import linecache
import re
import subprocess
import sys
import traceback
import zipfile
from pathlib import Path

import pytest

from durableflow.errors import WorkflowDefinitionError
from durableflow.machine import Failed, compile_function, compile_stored
from durableflow.machine.source import version_of
from tests.machine.support import execute, load, result

PLAIN = """
from tests.machine.support import echo, fail

async def double(x):
    # a comment
    y = await echo(x)

    return y * 2
"""


def test_a_workflow_in_an_indented_block_keeps_its_multi_line_literals(tmp_path: Path) -> None:
    text = 'from tests.machine.support import echo\nif True:\n    async def f():\n        x = """a\n    b\n  c"""\n'
    text += "        await echo()\n        return x\n"
    assert result(load(tmp_path, text).f) == "a\n    b\n  c"


def test_a_file_that_was_edited_after_its_import_is_refused(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    Path(module.__file__ or "").write_text(PLAIN.replace("y * 2", "y * 3"))
    linecache.checkcache()
    with pytest.raises(WorkflowDefinitionError, match="edited after its import"):
        compile_function(module.double)


def test_a_file_whose_lines_moved_after_its_import_is_refused(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    Path(module.__file__ or "").write_text("\n" + PLAIN)
    linecache.checkcache()
    with pytest.raises(WorkflowDefinitionError, match="edited after its import"):
        compile_function(module.double)


def test_an_edit_that_only_changes_the_type_of_a_constant_is_noticed(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    Path(module.__file__ or "").write_text(PLAIN.replace("y * 2", "y * 2.0"))
    linecache.checkcache()
    with pytest.raises(WorkflowDefinitionError, match="edited after its import"):
        compile_function(module.double)


def test_a_module_that_was_reloaded_is_compiled_from_its_new_text(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    assert result(module.double, 2) == 4
    Path(module.__file__ or "").write_text(PLAIN.replace("y * 2", "y * 30"))
    module.__spec__.loader.exec_module(module)  # type: ignore[union-attr]
    assert result(module.double, 2) == 60


def test_code_that_was_loaded_without_column_numbers_is_the_same_code(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    script = (
        f"import sys; sys.path[:0] = [{str(Path.cwd())!r}, {str(tmp_path)!r}]; import {module.__name__} as module; "
    )
    script += "from durableflow.machine import compile_function; print(compile_function(module.double).version)"
    command = [sys.executable, "-X", "no_debug_ranges", "-c", script]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert found == compile_function(module.double).version


def test_a_function_without_source_has_its_own_message() -> None:
    namespace: dict[str, object] = {"__name__": "nowhere"}
    exec("async def f():\n    return 1\n", namespace)  # noqa: S102 - that is what it is about
    with pytest.raises(WorkflowDefinitionError, match="its source cannot be read"):
        compile_function(namespace["f"])  # type: ignore[arg-type]


def test_a_workflow_in_a_zip_file_is_read_through_its_loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "code.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("zipped_workflow.py", PLAIN)
    monkeypatch.syspath_prepend(str(archive))
    import zipped_workflow  # type: ignore[import-not-found]

    assert result(zipped_workflow.double, 4) == 8


def test_two_functions_of_one_name_are_told_apart_by_line(tmp_path: Path) -> None:
    text = PLAIN + "\nfirst = double\n" + PLAIN.replace("y * 2", "y * 3")
    module = load(tmp_path, text)
    assert (result(module.first, 2), result(module.double, 2)) == (4, 6)


def test_the_functions_own_future_flags_are_used_and_those_of_the_compiler_are_not(tmp_path: Path) -> None:
    text = PLAIN + "\nasync def f():\n    def g(x: undefined_name) -> 'int': return x\n    await echo()\n"
    text += "    return g.__annotations__ if False else g(1)\n"
    with pytest.raises(NameError, match="undefined_name"):
        result(load(tmp_path, text).f)
    assert result(load(tmp_path, "from __future__ import annotations\n" + text).f) == 1


def test_an_error_between_awaits_points_at_its_line_with_the_functions_names(tmp_path: Path) -> None:
    text = (
        "from tests.machine.support import echo\nasync def f():\n    await echo()\n    x = 1\n    return 1 / (x - 1)\n"
    )
    module = load(tmp_path, text)
    end = execute(module.f)
    assert isinstance(end, Failed)
    (frame,) = traceback.extract_tb(end.error.__traceback__)
    assert (frame.filename, frame.lineno, frame.name) == (module.__file__, 5, "f")
    code = end.error.__traceback__.tb_frame.f_code if end.error.__traceback__ else None
    assert code is not None
    assert (code.co_name, code.co_qualname, code.co_firstlineno) == ("f", "f", 2)


def test_an_error_that_an_await_raises_points_at_the_await(tmp_path: Path) -> None:
    text = "from tests.machine.support import fail\nasync def f():\n    x = (1 +\n         await fail(KeyError(1)))\n"
    module = load(tmp_path, text)
    end = execute(module.f)
    assert isinstance(end, Failed)
    (frame,) = traceback.extract_tb(end.error.__traceback__)
    assert (frame.filename, frame.lineno, frame.name) == (module.__file__, 4, "f")
    shown = "".join(traceback.format_exception(end.error))
    assert "    ^^^^^^^^^^^^^^^^^^^^^^^" in shown


def test_a_tracer_sees_the_users_lines(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    seen: list[int] = []

    def trace(frame: object, event: str, argument: object) -> object:
        if frame.f_code.co_filename == module.__file__ and event == "line":  # type: ignore[attr-defined]
            seen.append(frame.f_lineno)  # type: ignore[attr-defined]
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        result(module.double, 1)
    finally:
        sys.settrace(before)
    assert set(seen) == {4, 6, 8}  # the def line where the run begins, as for a call


def test_comments_blank_lines_and_decorators_do_not_change_the_version(tmp_path: Path) -> None:
    plain = load(tmp_path, PLAIN)
    noisy = load(tmp_path, PLAIN.replace("    # a comment\n", "\n\n    # another\n").replace("y * 2", "y * 2  # twice"))
    other = load(tmp_path, PLAIN.replace("y * 2", "y * 3"))
    versions = [compile_function(module.double).version for module in (plain, noisy, other)]
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.parametrize(
    "text",
    [
        'async def f():\n    return """a\n\n# not a comment  \n  b"""\n',
        'async def f(x):\n    return f"""{x}\n\n# not a comment  \n {x:>5}"""\n',
        "async def f(x):\n    return f'{x!r} # {{}}' '#'  # a comment\n",
        "async def f(x):\n    return (x +  # one\n\n            2)\n",
    ],
)
def test_what_looks_like_a_comment_in_a_literal_counts(text: str) -> None:
    assert version_of(text) == version_of(re.sub("  # (a comment|one)", "", text))
    for part in ("# not a comment  \n", "\n\n#", "# {{}}"):
        if part in text:
            assert version_of(text) != version_of(text.replace(part, "!"))


def test_the_version_is_the_same_on_every_python() -> None:
    text = "async def f(x):\n    # one\n    y = f'''{x}\n\n # {x!r:>{5}} '''  # two\n\n    return [y for _ in 'ab']\n"
    assert version_of(text) == GOLDEN_VERSION


def test_a_stored_version_runs_without_its_file(tmp_path: Path) -> None:
    module = load(tmp_path, PLAIN)
    stored = compile_function(module.double).stored
    Path(module.__file__ or "").unlink()
    linecache.checkcache()
    machine = compile_stored(stored, vars(module))
    assert result(machine, 21) == 42
    assert machine.stored == stored


def test_a_stored_version_that_was_changed_is_refused(tmp_path: Path) -> None:
    stored = compile_function(load(tmp_path, PLAIN).double).stored
    changed = dataclasses.replace(stored, source=stored.source.replace("y * 2", "await echo(y)"))
    with pytest.raises(WorkflowDefinitionError, match="does not compile to the state table"):
        compile_stored(changed, {})


def test_a_stored_source_is_plain_json(tmp_path: Path) -> None:
    stored = compile_function(load(tmp_path, PLAIN).double).stored
    assert all(type(value) in (str, int) for value in dataclasses.asdict(stored).values())


def test_a_module_whose_loader_rewrites_it_is_accepted_by_its_shape() -> None:
    """pytest rewrites this module's assertions, so that its bytecode is not what the file compiles to."""
    assert result(with_an_assertion, 3) == 3
    with pytest.raises(AssertionError):
        result(with_an_assertion, 0)


async def with_an_assertion(x: int) -> int:
    assert x > 0, "not positive"
    return x


GOLDEN_VERSION = "e7ae0171387127043cac9f34b01db561"
