"""``docs/reference/patterns.md`` has every pattern, and those that it says how to write are tested."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "patterns.md"

_ROW = re.compile(r"^\| (?P<number>\d+) \| (?P<name>[^|]+) \| (?P<how>.+) \|$", re.MULTILINE)


def rows() -> list[tuple[int, str, str]]:
    return [(int(row["number"]), row["name"], row["how"]) for row in _ROW.finditer(PAGE.read_text())]


def functions(kind: type[ast.stmt]) -> list[str]:
    module = ast.parse((HERE / "test_control_flow.py").read_text())
    return [node.name for node in module.body if isinstance(node, kind)]  # type: ignore[attr-defined]


def snake(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower())


def test_the_table_has_all_43_in_their_order():
    assert [number for number, _, _ in rows()] == list(range(1, 44))


def test_what_is_supported_is_a_workflow_with_a_test_and_nothing_else_is():
    supported = [(number, snake(name)) for number, name, how in rows() if not how.startswith("not supported")]
    tests = [name for name in functions(ast.FunctionDef) if name.startswith("test_")]
    assert len(tests) == len(supported)
    for (number, name), test in zip(supported, tests, strict=True):
        assert test.startswith(f"test_{number:02d}_{name}_"), f"{number} {name}: {test}"
    assert {name for _, name in supported} <= set(functions(ast.AsyncFunctionDef))
