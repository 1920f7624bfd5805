"""What cannot be compiled is refused when the decorator runs: file, line, caret, and what to write instead."""

import functools
import sys
from pathlib import Path

import pytest

from durableflow.errors import WorkflowDefinitionError
from durableflow.machine import compile_function
from tests.machine.support import load

HEADER = """
import contextlib
from tests.machine.support import echo
items = []
def step(x): return echo(x)
step.options = lambda **given: step
"""


def refusal(tmp_path: Path, body: str, **kwargs: object) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    module = load(tmp_path, HEADER + "async def f(x=None, items=()):\n" + lines)
    with pytest.raises(WorkflowDefinitionError) as caught:
        compile_function(module.f, **kwargs)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(f'File "{module.__file__}", line ')
    return message


@pytest.mark.parametrize(
    ("body", "marked", "problem", "instead"),
    [
        ("yield 1", "yield 1", "`yield` in a workflow", "collect the values in a list"),
        ("async for y in x:\n    pass", "async for y in x:", "`async for` in a workflow", "`for`, over a list"),
        (
            "z = [await echo(i) for i in x]",
            "await echo(i)",
            "await in a comprehension",
            "await gather(*(echo(i) for i in x))",
        ),
        ("z = {i: await echo(i) for i in x}", "await echo(i)", "await in a comprehension", "gather"),
        ("z = [i for i in x if await echo(i)]", "await echo(i)", "await in a comprehension", "gather"),
        ("z = [i for i in x for j in await echo(i)]", "await echo(i)", "await in a comprehension", "gather"),
        ("z = (await echo(i) for i in x)", "await echo(i)", "await in a comprehension", "gather"),
        ("z = [i async for i in x]", "[i async for i in x]", "`async for` in a comprehension", "a plain comprehension"),
        ("global y\ny = 1", "global y", "`global` in a workflow", "a variable of the workflow"),
        ("def g():\n    global y\n    y = 1", "global y", "`global` in a workflow", "a variable of the workflow"),
        ("return locals()", "locals()", "`locals()` in a workflow", "a dict of the values"),
        ("return [vars() for _ in x]", "vars()", "`vars()` in a workflow", "a dict of the values"),
        ("return dir()", "dir()", "`dir()` in a workflow", "a list of the names"),
        ("return eval('x')", "eval('x')", "`eval()` in a workflow", "the expression itself"),
        ("exec('x')", "exec('x')", "`exec()` in a workflow", "the statements themselves"),
        ("super().f()", "super()", "`super()` in a workflow", "a function at module level"),
        (
            "async def g():\n    pass",
            "async def g():",
            "an `async def` inside a workflow",
            "make `g` a step or a workflow",
        ),
        (
            "with x as y:\n    await echo()",
            "await echo()",
            "an await inside a `with` block",
            "end the block before the await",
        ),
        (
            "with x:\n    async with x as y:\n        pass",
            "async with x as y:",
            "an await inside a `with` block",
            "end the block before the await",
        ),
        (
            "try:\n    async with x as y:\n        pass\nexcept* KeyError:\n    pass",
            "async with x as y:",
            "with `except*`",
            "`except ExceptionGroup as",
        ),
        (
            "async with x as y:\n    async for z in y:\n        pass",
            "async for z in y:",
            "`async for`",
            "`for`, over a",
        ),
        (
            "async with x as y:\n    with y:\n        await echo()",
            "await echo()",
            "inside a `with` block",
            "in one step",
        ),
        ("with x as y, await echo() as z:\n    pass", "await echo()", "an await inside a `with` block", "in one step"),
        (
            "try:\n    await echo()\nexcept* KeyError:\n    pass",
            "await echo()",
            "with `except*`",
            "`except ExceptionGroup as",
        ),
        ("def g(y: await echo()):\n    pass", "await echo()", "an await in an annotation", "await first"),
    ],
)
def test_a_construct_that_cannot_wait_is_refused_with_a_caret_and_a_way_out(
    tmp_path: Path, body: str, marked: str, problem: str, instead: str
) -> None:
    message = refusal(tmp_path, body)
    first, source, caret, way_out = message.splitlines()
    assert problem in first
    assert instead in way_out.removeprefix("Instead: ")
    start = caret.index("^")
    assert source[start : start + caret.count("^")] == marked


@pytest.mark.parametrize(
    "body",
    [
        "z = [i for i in await echo([1])]",
        "z = vars(x), dir(x)",
        "def eval(t): return t\nreturn eval(1)",
        "def g():\n    yield 1\nreturn list(g())",
        "def g():\n    return locals()\nreturn g()",
        "with contextlib.suppress(KeyError):\n    x[1]\nawait echo()",
        "with await echo(contextlib.nullcontext()) as y:\n    pass",
        "class C:\n    y = 1\nawait echo()",
        "try:\n    pass\nexcept* KeyError:\n    pass\nawait echo()",
        "from math import floor\nimport os.path\nawait echo()",
        "async with x as y, await echo() as z:\n    pass",
        "async with x:\n    with x:\n        pass\n    await echo()",
    ],
)
def test_its_harmless_neighbour_is_accepted(tmp_path: Path, body: str) -> None:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    compile_function(load(tmp_path, HEADER + "async def f(x=None):\n" + lines).f)


@pytest.mark.parametrize(
    "statement", ["step(1)", "step.options(queue='q')(1)", "this.step(1)", "this.step.options()(1)"]
)
def test_a_call_as_a_bare_statement_is_refused_where_it_can_be_known(tmp_path: Path, statement: str) -> None:
    module = load(tmp_path, HEADER + f"import sys\nthis = sys.modules[__name__]\nasync def f():\n    {statement}\n")
    with pytest.raises(WorkflowDefinitionError, match="a call without await does nothing") as caught:
        compile_function(module.f, is_call_factory=lambda value: value is module.step)
    assert str(caught.value).endswith(f"Instead: await {statement}")


@pytest.mark.parametrize(
    "statement", ["y = step(1)", "await step(1)", "step(1).start()", "print(1)", "step = print; step(1)"]
)
def test_other_uses_of_a_call_are_left_alone(tmp_path: Path, statement: str) -> None:
    module = load(tmp_path, HEADER + f"async def f():\n    {statement}\n")
    compile_function(module.f, is_call_factory=lambda value: value is module.step)


def test_a_method_a_lambda_a_nested_function_and_a_plain_function_are_refused() -> None:
    async def nested() -> None: ...

    for function, problem in (
        (Owner.method, "a method cannot be a workflow"),
        (nested, "must be defined at module level"),
        (plain, "a workflow is written with `async def`"),
        (anonymous, "a lambda cannot be a workflow"),
        (len, "is not a plain function"),
        (functools.partial(wrapped), "is not a plain function"),
        (Owner, "is not a plain function"),
        (wrapped, "a decorator below the workflow decorator has wrapped the function"),
    ):
        with pytest.raises(WorkflowDefinitionError, match=problem):
            compile_function(function)  # type: ignore[arg-type]


def test_an_async_generator_is_refused_at_its_yield(tmp_path: Path) -> None:
    assert "`yield` in a workflow" in refusal(tmp_path, "await echo()\nif x:\n    yield x")


def test_the_caret_counts_characters_not_bytes(tmp_path: Path) -> None:
    _, source, caret, _ = refusal(tmp_path, "z = 'äöü', [await echo(i) for i in x]").splitlines()
    assert source[caret.index("^") : len(caret)] == "await echo(i)"


def test_a_construct_of_several_lines_is_underlined_on_its_first(tmp_path: Path) -> None:
    _, source, caret, _ = refusal(tmp_path, "return eval(\n    'x')").splitlines()
    assert source[caret.index("^") : len(caret)] == "eval("


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_type_parameters_may_annotate_but_not_be_used(tmp_path: Path) -> None:
    compile_function(load(tmp_path, HEADER + "async def f[T](x: T) -> T:\n    return await echo(x)\n").f)
    module = load(tmp_path, HEADER + "async def f[T](x: T) -> T:\n    return await echo(T)\n")
    with pytest.raises(WorkflowDefinitionError, match="the type parameter `T` is used"):
        compile_function(module.f)


def test_what_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    expression = " + ".join(["await echo(1)"] * 900)
    assert "nested too deeply" in refusal(tmp_path, f"return {expression}")


class Owner:
    async def method(self) -> None: ...


def plain() -> None: ...


anonymous = lambda: None  # noqa: E731


def _wrapping(function: object) -> object:
    @functools.wraps(function)  # type: ignore[arg-type]
    async def wrapper() -> None: ...

    return wrapper


@_wrapping
async def wrapped() -> None: ...
