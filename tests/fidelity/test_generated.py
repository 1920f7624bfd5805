"""Generated programs: the machine does what CPython does."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.fidelity.grammar import THEMES, Theme, programs
from tests.fidelity.oracle import PLAIN, Handling, check
from tests.fidelity.profile import drawn, seconds
from tests.fidelity.program import Program, loaded

SHARE = 0.9 / len(THEMES)
HANDLED_SHARE = 0.05


def run(program: Program, directory: Path, handling: Handling = PLAIN) -> None:
    with loaded(program.source, directory) as function:
        check(function, program.script, program.args, program.kwargs, handling, program.__str__)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
@pytest.mark.timeout(seconds(SHARE))
def test_the_machine_does_what_cpython_does(theme: Theme, tmp_path: Path) -> None:
    @settings(drawn(SHARE))
    @given(programs(theme))
    def every_program(program: Program) -> None:
        run(program, tmp_path)

    every_program()


@pytest.mark.timeout(seconds(HANDLED_SHARE))
@given(program=programs(THEMES[0]))
@drawn(HANDLED_SHARE)
def test_another_worker_goes_on_from_the_stored_source(program: Program, tmp_path: Path) -> None:
    run(program, tmp_path, Handling(recompile=True))


@pytest.mark.timeout(seconds(HANDLED_SHARE))
@given(program=programs(THEMES[0]))
@drawn(HANDLED_SHARE)
def test_a_turn_that_is_repeated_from_its_checkpoint_does_the_same(program: Program, tmp_path: Path) -> None:
    run(program, tmp_path, Handling(repeat=True))
