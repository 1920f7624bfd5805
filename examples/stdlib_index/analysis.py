"""What can be said about a Python module by reading its source. Plain functions: nothing here knows durableflow."""

import ast
from dataclasses import dataclass
from pathlib import Path

SKIPPED = {"test", "tests", "idle_test", "site-packages", "__pycache__", "lib2to3", "turtledemo"}

_BRANCHES = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.With, ast.AsyncWith, ast.Assert,
    ast.comprehension, ast.match_case,
)  # fmt: skip


@dataclass(frozen=True)
class ModuleFacts:
    """One module. lines: of source; complexity: McCabe's number, summed over its functions; undocumented: its public
    functions and classes without a docstring."""

    name: str
    lines: int
    functions: int
    classes: int
    imports: tuple[str, ...]
    complexity: int
    undocumented: tuple[str, ...]


def find_packages(root: Path) -> dict[str, list[str]]:
    """The standard library's packages, each with the paths of its modules relative to ``root``.

    Modules that stand by themselves are given under ``(top level)``.
    """
    packages: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if SKIPPED.isdisjoint(parts):
            packages.setdefault(parts[0] if len(parts) > 1 else "(top level)", []).append("/".join(parts))
    return packages


def analyse(root: Path, relative: str) -> ModuleFacts:
    """Parse one module and count what is in it."""
    source = (root / relative).read_bytes()
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return ModuleFacts(
        name=relative.removesuffix("/__init__.py").removesuffix(".py").replace("/", "."),
        lines=source.count(b"\n") + 1,
        functions=len(functions),
        classes=len(classes),
        imports=tuple(sorted(_imports(tree))),
        complexity=sum(_complexity(function) for function in functions),
        undocumented=tuple(_undocumented(tree)),
    )


def _imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def _complexity(function: ast.AST) -> int:
    """T. J. McCabe, "A Complexity Measure", 1976: one, and one more for every branch."""
    branches = sum(isinstance(node, _BRANCHES) for node in ast.walk(function))
    return 1 + branches + sum(len(node.values) - 1 for node in ast.walk(function) if isinstance(node, ast.BoolOp))


def _undocumented(tree: ast.Module) -> list[str]:
    public = (
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    )
    return [node.name for node in public if ast.get_docstring(node) is None]
