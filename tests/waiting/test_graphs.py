"""Graphs of calls that need calls: as large as they come, and as real ones are."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import shop
from tests.waiting.conftest import Engine

DAGS = Path(os.environ.get("DURABLEFLOW_DAGS", Path(__file__).resolve().parents[3] / "shared" / "data" / "dags"))
Graph = list[list[int]]


def longest_way(parents: Graph) -> int:
    """How many tasks stand on the longest way through the graph."""
    found: list[int] = []
    for needed in parents:
        found.append(1 + max((found[place] for place in needed), default=0))
    return max(found)


def recorded(file: Path) -> Graph:
    """The parents of each task of a recorded workflow, in an order in which they can be written down."""
    tasks = json.loads(file.read_text())["tasks"]
    place: dict[str, int] = {}
    graph: Graph = []
    while len(place) < len(tasks):
        for name, task in tasks.items():
            if name not in place and all(parent in place for parent in task["p"]):
                place[name] = len(graph)
                graph.append([place[parent] for parent in task["p"]])
    return graph


def layered(tasks: int, edges: int) -> Graph:
    """Tasks that need up to so many of those shortly before them."""
    dice = random.Random(7)
    return [sorted(dice.sample(range(max(0, n - 60), n), min(n, edges))) for n in range(tasks)]


def run(engine: Engine, parents: Graph) -> Any:
    started = shop.graph(parents).start()
    engine.drive(most=10 * len(parents) + 100)
    return started.result(timeout=0)


def test_two_thousand_steps_with_six_thousand_edges(engine: Engine) -> None:
    parents = layered(2000, 3)
    assert sum(map(len, parents)) == 5994
    assert run(engine, parents) == longest_way(parents)
    assert engine.one("SELECT count(*), max(rev), max(attempt) FROM durableflow_core.step") == (2000, 1, 1)


@pytest.mark.skipif(not DAGS.exists(), reason="the recorded graphs are not here: set DURABLEFLOW_DAGS to their folder")
@pytest.mark.parametrize("kind", ["nextflow-sarek", "nextflow-rnaseq", "pegasus-soykb", "makeflow-blast"])
def test_a_recorded_scientific_workflow(engine: Engine, kind: str) -> None:
    parents = recorded(next(DAGS.glob(f"{kind}*.json")))
    assert run(engine, parents) == longest_way(parents)
    assert engine.one("SELECT count(*) FROM durableflow_core.step WHERE state <> 'succeeded'") == 0
