"""Handwritten programs: each with awaits that succeed, and with each of its awaits failing in its turn."""

from collections.abc import Iterator

import pytest

from tests.fidelity.corpus.programs import PROGRAMS, arguments
from tests.fidelity.oracle import Handling, check, fresh, run_plain
from tests.fidelity.program import Function
from tests.fidelity.script import ERROR_KINDS, Script

SCRIPTS = (Script(), Script(values=(0,)), Script(values=(3, 1, 2)))


def failing_scripts(function: Function) -> Iterator[Script]:
    """One script for each of the awaits of an execution, in which that one fails."""
    trace = run_plain(function, SCRIPTS[0], *fresh(arguments(function)))
    for position in range(min(len(trace.places), 12)):
        yield Script(failures={position: position % ERROR_KINDS})
        yield Script(failures={position: 0, position + 1: 1, position + 3: 6})


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_machine_does_what_cpython_does(name: str) -> None:
    function = PROGRAMS[name]
    for script in (*SCRIPTS, *failing_scripts(function)):
        check(function, script, *arguments(function), describe=lambda script=script: f"{name} with {script}")


@pytest.mark.parametrize("handling", [Handling(recompile=True), Handling(repeat=True)], ids=["recompiled", "repeated"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_so_it_does_when_a_turn_is_run_elsewhere_or_again(name: str, handling: Handling) -> None:
    function = PROGRAMS[name]
    check(function, SCRIPTS[0], *arguments(function), handling=handling, describe=lambda: name)
