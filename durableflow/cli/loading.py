"""Find the object that a ``module:attribute`` argument names, and say precisely why it cannot be found."""

import difflib
import importlib
import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from durableflow.cli.given import given_application
from durableflow.cli.mistake import Mistake
from durableflow.errors import DurableFlowError

if TYPE_CHECKING:
    from durableflow import DurableFlow
    from durableflow.language import Compiled
    from durableflow.language.workflow import Workflow

T = TypeVar("T")

_OURS = str(Path(__file__).parent.parent)
_STDLIB = sysconfig.get_path("stdlib")


def load_application(spec: str | None) -> "DurableFlow":
    """The DurableFlow application that ``module:attribute`` names. None: the one that the command is given.

    Raises:
        Mistake: nothing importable is called that, or it is something else; or its module fails to import, and then
            the message holds the traceback of the user's code.
    """
    from durableflow import DurableFlow

    given = given_application.get()
    if spec is None and given is not None:
        return given()
    return _load(spec or "", DurableFlow, "a DurableFlow application")


def load_adopted(spec: str | None) -> "DurableFlow":
    """As :func:`load_application`; ``module:attribute`` may name a Celery app, too, for the application that has it.
    One that none has adopted is adopted, in this process.

    Raises:
        Mistake: as for :func:`load_application`.
    """
    from celery import Celery

    from durableflow import DurableFlow
    from durableflow.app import adopted_by

    given = given_application.get()
    if spec is None and given is not None:
        return given()
    found = _load(spec or "", (DurableFlow, Celery), "a DurableFlow application, or a Celery app")
    return found if isinstance(found, DurableFlow) else adopted_by(found) or DurableFlow(found)


def load_workflow(spec: str) -> "Workflow[..., Any]":
    """The workflow that ``module:attribute`` names, or of that name in the application that the command is given.

    Raises:
        Mistake: as for :func:`load_application`.
    """
    from durableflow.language.workflow import Workflow

    return _load(spec, Workflow, "a workflow")


def load_compiled(spec: str) -> "Compiled[..., Any]":
    """The workflow or routine that ``module:attribute`` names, or of that name in the application that is given.

    Raises:
        Mistake: as for :func:`load_application`.
    """
    from durableflow.language import Compiled

    return _load(spec, Compiled, "a workflow or routine")


def check_module(spec: str) -> None:
    """Refuse a ``module:attribute`` whose module does not exist, without importing it.

    Raises:
        Mistake: it is not of this form, or there is no such module.
    """
    module, _ = _split(spec)
    _look_in_current_directory()
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise _no_module(module)


def _load(spec: str, wanted: type[T] | tuple[type[T], ...], title: str) -> T:
    given = given_application.get()
    if given is not None and ":" not in spec:
        return _defined(given(), spec, wanted, title)
    name, attribute = _split(spec)
    module = _import(name)
    value: Any = module
    for part in attribute.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise Mistake(f"{name} has no {attribute!r}{_meant(module, attribute, wanted, title)}") from None
    if not isinstance(value, wanted):
        found = type(value).__name__
        raise Mistake(f"{spec} is not {title} but {_article(found)}{_meant(module, attribute, wanted, title)}")
    return value


def _defined(flow: "DurableFlow", name: str, wanted: type[T] | tuple[type[T], ...], title: str) -> T:
    """What is registered under a name, which may lack its first part, the application's."""
    found = flow.registry.present(name) or flow.registry.present(f"{flow.name}.{name}")
    if isinstance(found, wanted):
        return found
    if found is not None:
        raise Mistake(f"{found.name} is not {title} but {_article(type(found).__name__)}")
    names = [each.name for each in flow.registry.compiled if isinstance(each, wanted)]
    close = difflib.get_close_matches(name, [*names, *(each.partition(".")[2] for each in names)], n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(names)[:10]) or 'none'}"
    raise Mistake(f"{flow.name} has no {title.partition(' ')[2]} named {name!r}; {hint}")


def _split(spec: str) -> tuple[str, str]:
    module, colon, attribute = spec.partition(":")
    if module.endswith(".py") or "/" in module:
        dotted = module.removesuffix(".py").removeprefix("./").replace("/", ".")
        raise Mistake(f"{spec!r} names a file: write the module, as in {dotted}:{attribute or 'df'}")
    if not colon or not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise Mistake(f"{spec!r} is not of the form module:attribute, such as {module.split('.')[0] or 'shop'}:df")
    return module, attribute


def _look_in_current_directory() -> None:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _import(name: str) -> ModuleType:
    _look_in_current_directory()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise _no_module(name) from None
        problem = _shown(error)
    except (Exception, SystemExit) as error:
        problem = _shown(error)
    raise Mistake(f"importing {name} failed:\n\n{problem}")


def _no_module(name: str) -> Mistake:
    parent = name.rpartition(".")[0]
    siblings = [f"{parent}.{module}" if parent else module for module in _modules_in(parent)]
    close = difflib.get_close_matches(name, siblings, n=1)
    hint = f": did you mean {close[0]}?" if close else f" (looked in {Path.cwd()} and in the installed packages)"
    return Mistake(f"there is no module {name!r}{hint}")


def _modules_in(package: str) -> Iterable[str]:
    directory = Path.cwd().joinpath(*package.split(".")) if package else Path.cwd()
    if directory.is_dir():
        for entry in directory.iterdir():
            if entry.suffix == ".py" or (entry.is_dir() and any(entry.glob("*.py"))):
                yield entry.stem


def _meant(module: ModuleType, attribute: str, wanted: type | tuple[type, ...], title: str) -> str:
    fitting = [name for name, value in vars(module).items() if isinstance(value, wanted)]
    close = difflib.get_close_matches(attribute, fitting, n=1) or fitting
    if not close:
        return f", and nothing in {module.__name__} is {title}"
    return f": did you mean {' or '.join(f'{module.__name__}:{name}' for name in close[:3])}?"


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _shown(error: BaseException) -> str:
    """The traceback as far as it is about the user's code: without the import machinery and without our own frames."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and _is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    shown = traceback.TracebackException(type(error), error, trace)
    if isinstance(error, DurableFlowError):  # refused, not broken: how we found out is nobody's business
        shown.__cause__ = shown.__context__ = None
        while shown.stack and shown.stack[-1].filename.startswith((_OURS, _STDLIB)):
            del shown.stack[-1]
    return "".join(shown.format()).rstrip()


def _is_machinery(filename: str) -> bool:
    return filename.startswith(("<frozen importlib", _OURS)) or filename == importlib.__file__
