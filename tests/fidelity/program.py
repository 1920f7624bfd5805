"""A program's source as a real, importable module: the compiler looks source up through the loader."""

import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fidelity import prelude
from tests.fidelity.script import Script

Function = Callable[..., Coroutine[Any, Any, object]]

HEADER = f"from {prelude.__name__} import *\n\n"


@dataclass(frozen=True)
class Program:
    """One generated program: its source, what it is called with, and what its awaits give."""

    source: str
    script: Script = field(default_factory=Script)
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        numbered = "\n".join(f"{number:4} {line}" for number, line in enumerate(self.source.splitlines(), 1))
        return f"{numbered}\n\ncalled with {self.args} {self.kwargs}\n{self.script}\n"


@contextmanager
def loaded(source: str, directory: Path) -> Iterator[Function]:
    """Write ``source`` to a file of its own, import it, and give its function ``workflow``."""
    name = "program_" + hashlib.sha256(source.encode()).hexdigest()[:20]
    path = directory / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # a generated `1 is 1` is not worth a word
            spec.loader.exec_module(module)
            yield module.workflow
    finally:
        del sys.modules[name]
        path.unlink()
