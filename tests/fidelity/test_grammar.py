"""The grammar itself: what it draws is Python, ends, is mostly meaningful, and covers the accepted subset."""

from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

from tests.fidelity.features import features
from tests.fidelity.grammar import FORMS, THEMES, Theme, programs
from tests.fidelity.oracle import fresh, run_plain
from tests.fidelity.program import Program, loaded
from tests.fidelity.trace import Trace

EXPECTED = {
    "AnnAssign", "Assert", "Assign", "Attribute", "AugAssign", "Await", "BinOp", "BoolOp", "Break", "Call", "Compare",
    "Continue", "Delete", "Dict", "DictComp", "ExceptHandler", "For", "FormattedValue", "FunctionDef", "GeneratorExp",
    "If", "IfExp", "Lambda", "ListComp", "Match", "MatchClass", "MatchMapping", "MatchOr", "MatchSequence", "MatchStar",
    "NamedExpr", "Nonlocal", "Raise", "Return", "Set", "SetComp", "Slice", "Starred", "Subscript", "Try", "Tuple",
    "UnaryOp", "While", "With",
    "await in a lazy operand", "await in a branch of a ternary", "await in a chained comparison", "await in a target",
    "await in an augmented assignment", "await in an f-string", "await in a call with a starred argument",
    "await in a dict", "await in a loop", "await in a loop's target", "await in a loop's condition", "loop else",
    "await in a finally", "await in a handler", "try else", "bare raise", "raise from", "await in a default",
    "await in a guard", "Return in a finally", "Break in a finally", "Continue in a finally",
    "Return through a finally", "Break through a finally", "Continue through a finally",
    "AsyncWith", "await in an async with", "async with without an await", "async with of several items",
    "await in the target of an async with", "Return through an async with", "Break through an async with",
    "Continue through an async with", "Raise through an async with",
}  # fmt: skip


def drawn_programs(theme: Theme, number: int, seed_: int = 20) -> list[Program]:
    """The same programs every time."""
    found: list[Program] = []

    @seed(seed_)
    @settings(max_examples=number, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(programs(theme))
    def collect(program: Program) -> None:
        found.append(program)

    collect()
    return found


def execute(program: Program, directory: Path) -> Trace:
    with loaded(program.source, directory) as function:
        return run_plain(function, program.script, *fresh((program.args, program.kwargs)))


def test_every_construct_of_the_accepted_subset_is_drawn() -> None:
    missing = set(EXPECTED)
    for number in range(40):  # ends as soon as each was drawn, mostly by the first few
        for theme in THEMES:
            for program in drawn_programs(theme, 30, number):
                missing -= features(program.source)
        if not missing:
            return
    assert sorted(missing) == []


def test_programs_end_and_most_of_them_are_meaningful(tmp_path: Path) -> None:
    traces = [execute(program, tmp_path) for program in drawn_programs(THEMES[0], 200)]
    endings = Counter(_ending(trace) for trace in traces)
    assert endings["cut off"] < 10
    assert endings["NameError"] + endings["UnboundLocalError"] < 40
    assert endings["returned"] > 80
    assert sum(len(trace.places) >= 2 for trace in traces) > 80


def test_a_theme_names_only_forms_that_exist() -> None:
    names = {form.name for forms in FORMS.values() for form in forms}
    assert sorted({name for theme in THEMES for name in theme.factors} - names) == []


def _ending(trace: Trace) -> str:
    if trace.ending == "cut off":
        return "cut off"
    assert isinstance(trace.ending, tuple)
    return "returned" if trace.ending[0] == "returned" else str(trace.ending[1][0])
