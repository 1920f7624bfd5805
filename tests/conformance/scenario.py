"""What a scenario is: a canvas, and what it is to come to."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import Signature
from celery.exceptions import ChordError

Effects = tuple[Counter[str], ...]
"""What has to be recorded, in stages: those of one stage come in any order, the stages one after the other."""


@dataclass(frozen=True)
class Satisfies:
    """A condition that a value or the effects have to meet, in words and as a function."""

    words: str
    holds: Callable[[Any], bool] = field(compare=False)

    def __repr__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Outcome:
    """What a canvas comes to, and what its tasks have recorded by then.

    value: of a run that succeeds; errors: what a failed one raises, one or the other; of: what a ChordError tells of;
    ends: False where it stays pending for ever.
    """

    value: Any = None
    errors: tuple[type[BaseException], ...] = ()
    of: type[BaseException] | None = None
    effects: Effects | Satisfies = ()
    ends: bool = True

    def differs(self, seen: "Seen") -> str | None:
        """How what was seen is something else; None where it is this."""
        return self._differs_in_result(seen) or self._differs_in_effects(seen.effects)

    def _differs_in_result(self, seen: "Seen") -> str | None:
        if not (self.ends and seen.ended):
            return None if self.ends == seen.ended else f"it {'ends' if seen.ended else 'does not end'}: {seen}"
        if not self.errors:
            if seen.error is not None:
                return f"fails with {seen.error!r}"
            right = self.value.holds(seen.value) if isinstance(self.value, Satisfies) else self.value == seen.value
            return None if right else f"gives {seen.value!r}, and not {self.value!r}"
        names = [error.__name__ for error in self.errors]
        if seen.error is None:
            return f"gives {seen.value!r}, and does not fail with {' or '.join(names)}"
        if type(seen.error).__name__ not in names:
            return f"fails with {seen.error!r}, and not with {' or '.join(names)}"
        if self.of and type(seen.error.__cause__) is not self.of and self.of.__name__ not in str(seen.error):
            return f"{seen.error!r} does not tell of {self.of.__name__}"
        return None

    def _differs_in_effects(self, seen: Sequence[str]) -> str | None:
        if isinstance(self.effects, Satisfies):
            return None if self.effects.holds(seen) else f"recorded {seen}, and not {self.effects}"
        left = list(seen)
        for stage in self.effects:
            if Counter(left[: stage.total()]) != stage:
                return f"recorded {seen}, and not {in_words(self)}"
            del left[: stage.total()]
        return f"recorded {left} beyond {in_words(self)}" if left else None


@dataclass(frozen=True)
class Seen:
    """What a canvas came to."""

    value: Any = None
    error: BaseException | None = None
    effects: Sequence[str] = ()
    ended: bool = True


def gives(value: Any, effects: Sequence[str | Counter[str]] | Satisfies = ()) -> Outcome:
    """It succeeds with this value."""
    return Outcome(value=value, effects=_stages(effects))


def fails(
    error: type[BaseException],
    effects: Sequence[str | Counter[str]] | Satisfies = (),
    of: type[BaseException] | None = None,
    or_with: type[BaseException] | None = None,
) -> Outcome:
    """It fails with this error; or_with: with this one at other times."""
    return Outcome(errors=(error,) if or_with is None else (error, or_with), of=of, effects=_stages(effects))


def fails_chord(of: type[BaseException], effects: Sequence[str | Counter[str]] | Satisfies = ()) -> Outcome:
    """The header of a chord failed with this error, so that its body did not run."""
    return fails(ChordError, effects, of)


def never_ends(effects: Sequence[str | Counter[str]] | Satisfies = ()) -> Outcome:
    """It stays pending."""
    return Outcome(ends=False, effects=_stages(effects))


def any_order(*effects: str) -> Counter[str]:
    """These in whatever order."""
    return Counter(effects)


def times(number: int, effect: str) -> Counter[str]:
    """This so many times."""
    return Counter({effect: number})


def _stages(effects: Sequence[str | Counter[str]] | Satisfies) -> Effects | Satisfies:
    if isinstance(effects, Satisfies):
        return effects
    return tuple(Counter([each]) if isinstance(each, str) else each for each in effects)


@dataclass(frozen=True)
class Case:
    """A canvas, and what it comes to. args, kwargs, options: of ``apply_async``; starts: how often the same object is
    started, one after the other."""

    canvas: Signature
    outcome: Outcome
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    starts: int = 1


Build = Callable[[str], Case]


@dataclass(frozen=True)
class Scenario:
    """build: makes the case, with the name of a box to record into; like: Celery's own tests that specify the same."""

    subject: str
    name: str
    build: Build
    like: tuple[str, ...]
    conf: Mapping[str, Any]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ")


SCENARIOS: dict[str, Scenario] = {}


def subject(name: str) -> Callable[..., Callable[[Build], Build]]:
    """A decorator for the scenarios of one subject: ``@chains("chain: simple_chain", conf={...})``."""

    def scenario(*like: str, conf: Mapping[str, Any] | None = None) -> Callable[[Build], Build]:
        def take(build: Build) -> Build:
            assert build.__name__ not in SCENARIOS, build.__name__
            SCENARIOS[build.__name__] = Scenario(name, build.__name__, build, like, conf or {})
            return build

        return take

    return scenario


def in_words(outcome: Outcome) -> str:
    """The outcome, for a table."""
    if not outcome.ends:
        result = "stays pending"
    elif not outcome.errors:
        result = _short(outcome.value)
    else:
        result = " or ".join(f"`{error.__name__}`" for error in outcome.errors)
        result += f" of `{outcome.of.__name__}`" if outcome.of else ""
    if isinstance(outcome.effects, Satisfies):
        return f"{result}; {outcome.effects.words}"
    stages = [", ".join(_counted(effect, n) for effect, n in sorted(stage.items())) for stage in outcome.effects]
    return result + (f"; recorded {', then '.join(stages)}" if stages else "")


def _short(value: Any) -> str:
    if isinstance(value, Satisfies):
        return value.words
    text = repr(value)
    if isinstance(value, list) and len(text) > 60:
        text = f"[{', '.join(map(repr, value[:3]))}, ...] ({len(value)} in all)"
    return f"`{text}`"


def _counted(effect: str, number: int) -> str:
    return f"`{effect}`" + (f" {number} times" if number > 1 else "")


def plain(value: Any) -> Any:
    """The value as it comes out of JSON, which Celery's results pass through."""
    return json.loads(json.dumps(value))
