"""Registry: the steps and workflows of one application, by name."""

import difflib
import inspect
import sys
import weakref
from collections.abc import Callable
from typing import Any

from durableflow.errors import (
    ConfigurationError,
    DuplicateDefinition,
    UnknownDefinition,
    UnknownStep,
    UnknownWorkflow,
)
from durableflow.language.compiled import Compiled
from durableflow.language.handle import Owner
from durableflow.language.routine import Routine
from durableflow.language.step import Step
from durableflow.language.workflow import Workflow

Definition = Step[..., Any] | Workflow[..., Any]
Named = Definition | Routine[..., Any]

_registries: "weakref.WeakSet[Registry]" = weakref.WeakSet()


class Registry:
    """What one application defines. app: its name, the first part of its definitions' names; owner: whoever can start
    runs of them. Steps and workflows share the names, because a run of a step is named as the step."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.owner: Owner | None = None
        self._definitions: dict[str, Named] = {}
        self._generations: dict[str, object] = {}
        self._adopted: dict[str, Step[..., Any]] = {}
        self._older: dict[tuple[str, str], Workflow[..., Any] | Routine[..., Any]] = {}
        _registries.add(self)

    def name_of(self, function: Callable[..., Any]) -> str:
        """The name of a definition that is given none."""
        return f"{self.app}.{function.__name__}"

    def add(self, definition: Named) -> None:
        """Register a definition under its name.

        The same function once more, because its module was reloaded or runs as ``__main__`` too, takes the place of
        the former one. Raises DuplicateDefinition where two different ones claim the name.
        """
        name, generation = definition.name, _generation(definition.function)
        former = self._definitions.get(name)
        if former is not None and not _is_again(former, definition, self._generations[name] is generation):
            raise DuplicateDefinition(
                f"{name} is defined twice: in {place(former.function)} and in {place(definition.function)}. "
                f"Rename one of them, or give one a name of its own: name={name + '_2'!r}"
            )
        self._definitions[name] = definition
        self._generations[name] = generation

    def adopt(self, step: Step[..., Any]) -> None:
        """Register a step that is a task of the Celery app under that very name."""
        if step.name not in self._definitions:
            self._definitions[step.name] = step
            self._generations[step.name] = object()
            self._adopted[step.name] = step

    def adopted(self, name: str) -> Step[..., Any] | None:
        """The step that a task of the Celery app is. None: no such task was adopted."""
        return self._adopted.get(name)

    def step(self, name: str) -> Step[..., Any]:
        """The step of that name; raises UnknownStep with the names that come closest."""
        found = self._definitions.get(name)
        if isinstance(found, Step):
            return found
        raise UnknownStep(self._unknown("step", name, [n for n, d in self._definitions.items() if isinstance(d, Step)]))

    def workflow(self, name: str) -> Workflow[..., Any]:
        """The workflow of that name, in its present version; raises UnknownWorkflow with the closest names."""
        found = self._definitions.get(name)
        if isinstance(found, Workflow):
            return found
        names = [n for n, d in self._definitions.items() if isinstance(d, Workflow)]
        raise UnknownWorkflow(self._unknown("workflow", name, names))

    def get(self, name: str, version: str) -> Named | None:
        """What runs of that workflow (or one-step runs) of that version are advanced with, and frames of that routine.
        None: it is not here."""
        found = self._definitions.get(name)
        if found is not None and found.machine.version == version:
            return found
        return self._older.get((name, version))

    def present(self, name: str) -> Workflow[..., Any] | Routine[..., Any] | None:
        """The workflow or routine of that name, in its present version."""
        found = self._definitions.get(name)
        return found if isinstance(found, Workflow | Routine) else None

    def learn(self, workflow: Workflow[..., Any] | Routine[..., Any]) -> None:
        """Keep another version of a workflow or routine, compiled from its stored source."""
        self._older[workflow.name, workflow.version] = workflow

    def versions(self) -> list[str]:
        """Everything that can be advanced here, as "name@version"."""
        here = [f"{d.name}@{d.machine.version}" for d in self._definitions.values()]
        return here + [f"{name}@{version}" for name, version in self._older]

    @property
    def steps(self) -> list[Step[..., Any]]:
        """All steps that were defined as such, in the order of their definition."""
        return [d for d in self._definitions.values() if isinstance(d, Step) and d.name not in self._adopted]

    @property
    def compiled(self) -> list[Compiled[..., Any]]:
        """All workflows and routines in their present version: what has a source to be stored."""
        return [d for d in self._definitions.values() if isinstance(d, Compiled)]

    @property
    def workflows(self) -> list[Workflow[..., Any]]:
        """All workflows in their present version, in the order of their definition."""
        return [d for d in self._definitions.values() if isinstance(d, Workflow)]

    def require_owner(self) -> Owner:
        """Whoever can start runs; raises ConfigurationError where this registry belongs to no application."""
        if self.owner is None:
            raise ConfigurationError(
                f"the definitions of {self.app!r} belong to no DurableFlow, which could start them"
            )
        return self.owner

    def _unknown(self, kind: str, name: str, names: list[str]) -> str:
        other = "step" if kind == "workflow" else "workflow"
        if name in self._definitions:
            return f"{name} is a {other}, not a {kind}"
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = (
            f"did you mean {' or '.join(close)}?" if close else f"registered: {', '.join(sorted(names)[:10]) or 'none'}"
        )
        return f"no {kind} is registered as {name}; {hint} (is the module that defines it imported here?)"


def find(name: str, first: Registry | None) -> Named:
    """A definition by name, in ``first`` or else in any application of this process. Raises UnknownDefinition."""
    for registry in ([first] if first is not None else []) + list(_registries):
        found = registry._definitions.get(name)
        if found is not None:
            return found
    raise UnknownDefinition(f"a stored value refers to {name}, which is not registered here")


def place(function: Callable[..., Any]) -> str:
    """Where a function is defined, as "file:line"."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def _is_again(former: Named, new: Named, same_generation: bool) -> bool:
    """Whether ``new`` is the same function as ``former``, executed again."""
    old_function, function = inspect.unwrap(former.function), inspect.unwrap(new.function)
    if type(former) is not type(new) or old_function.__qualname__ != function.__qualname__:
        return False
    same_file = old_function.__code__.co_filename == function.__code__.co_filename
    if not same_file and old_function.__module__ != function.__module__:
        return False
    # Within one execution of a module, two places mean two functions that happen to have one name.
    return not same_generation or place(old_function) == place(function)


def _generation(function: Callable[..., Any]) -> object:
    """Something that is another object for every execution of the function's module."""
    module = sys.modules.get(function.__module__)
    spec = getattr(module, "__spec__", None)
    if spec is None and not hasattr(module, "__file__"):
        return object()  # typed at a prompt: whoever writes it again means to replace it
    return module if spec is None else spec
