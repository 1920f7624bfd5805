"""Programs of several functions: a workflow with routines does what coroutines do that await each other."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.fidelity.grammar import THEMES, Theme, programs
from tests.fidelity.oracle import PLAIN, Handling
from tests.fidelity.profile import drawn, seconds
from tests.fidelity.program import Program
from tests.fidelity.routines.driving import check
from tests.fidelity.routines.hops import split
from tests.fidelity.routines.programs import PROGRAMS
from tests.fidelity.script import ERROR_KINDS, Script

SCRIPTS = (Script(), Script(values=(0,)), Script(values=(3, 1, 2)))


def failing_scripts(awaits: int) -> Iterator[Script]:
    """One script for each of the awaits of an execution, in which that one fails."""
    for position in range(min(awaits, 12)):
        yield Script(failures={position: position % ERROR_KINDS})
        yield Script(failures={position: 0, position + 1: 1, position + 3: 6})


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_stack_of_machines_does_what_cpython_does(name: str) -> None:
    for script in SCRIPTS:
        trace = check(*PROGRAMS[name], script, describe=lambda script=script: f"{name} with {script}")
    for script in failing_scripts(len(trace.places)):
        check(*PROGRAMS[name], script, describe=lambda script=script: f"{name} with {script}")


@pytest.mark.parametrize("handling", [Handling(recompile=True), Handling(repeat=True)], ids=["recompiled", "repeated"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_so_it_does_when_a_turn_is_run_elsewhere_or_again(name: str, handling: Handling) -> None:
    check(*PROGRAMS[name], SCRIPTS[0], handling=handling, describe=lambda: name)


SHARE = 0.2 / len(THEMES)


def run(program: Program, directory: Path, handling: Handling = PLAIN) -> None:
    source = split(program.source)
    path = directory / f"program_{hashlib.sha256(source.encode()).hexdigest()[:20]}.py"
    path.write_text(source)
    try:
        check(
            path,
            "workflow",
            program.script,
            (program.args, program.kwargs),
            handling,
            lambda: str(replace(program, source=source)),
        )
    finally:
        path.unlink()


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.timeout(seconds(SHARE))
def test_a_generated_program_may_await_by_way_of_routines(theme: Theme, tmp_path: Path) -> None:
    @settings(drawn(SHARE))
    @given(programs(theme))
    def every_program(program: Program) -> None:
        run(program, tmp_path)

    every_program()


@pytest.mark.timeout(seconds(SHARE))
@given(program=programs(THEMES[0]))
@drawn(SHARE)
def test_so_it_may_with_another_worker_at_every_turn(program: Program, tmp_path: Path) -> None:
    run(program, tmp_path, Handling(recompile=True))
