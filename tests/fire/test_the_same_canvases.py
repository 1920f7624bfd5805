"""What the page about Celery under fire says: played for durableflow with each fault and each canvas, and for Celery
alone where it is well understood why it loses work, or does it again."""

from collections.abc import Iterator

import pytest

from tests.fire import page
from tests.fire.canvases import CANVASES
from tests.fire.faults import FAULTS
from tests.fire.page import TESTED, Cell
from tests.fire.redis import Redis
from tests.fire.sides import DURABLE, SIDES
from tests.fire.theatre import Theatre
from tests.support.own_servers import own

SHOWN = page.read()


@pytest.fixture(scope="module")
def theatre(postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    with (
        own(Redis, tmp_path_factory.mktemp("redis")) as redis,
        Theatre(postgres_url, template, redis, tmp_path_factory.mktemp("plays")) as theatre,
    ):
        yield theatre


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cell", TESTED, ids=" / ".join)
def test_under_this_fault_this_canvas_comes_to_what_the_page_says(theatre: Theatre, cell: Cell) -> None:
    outcome = theatre.play(SIDES[cell.side], CANVASES[cell.canvas], FAULTS[cell.fault])
    assert str(outcome) == SHOWN[cell], outcome.evidence


def test_the_page_has_every_canvas_with_every_fault_on_every_side() -> None:
    assert set(SHOWN) == {Cell(fault, canvas, side) for fault in FAULTS for canvas in CANVASES for side in SIDES}


def test_celery_alone_loses_or_repeats_on_the_page_under_each_fault() -> None:
    bad = {cell.fault for cell, outcome in SHOWN.items() if cell.side != DURABLE.name and outcome != "finished"}
    assert bad == set(FAULTS)


def test_durableflow_finishes_everything_on_the_page_and_repeats_nothing() -> None:
    assert {outcome for cell, outcome in SHOWN.items() if cell.side == DURABLE.name} == {"finished"}


def test_each_fault_and_each_canvas_is_played_for_durableflow_and_some_for_celery_alone() -> None:
    ours = [cell for cell in TESTED if cell.side == DURABLE.name]
    assert {cell.fault for cell in ours} == set(FAULTS)
    assert {cell.canvas for cell in ours} == set(CANVASES)
    assert {SHOWN[cell] for cell in TESTED if cell not in ours} == {"lost", "finished, repeats"}
