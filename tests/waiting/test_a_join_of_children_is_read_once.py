"""At the end of each of many children, its parent counts: only the last one has the whole join read."""

from typing import Any

import pytest

from durableflow.worker import advance
from tests.waiting import shop
from tests.waiting.conftest import Engine


def test_the_parent_looks_when_the_last_child_has_ended(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = shop.limited_children(20, 20).start()
    looked: list[Any] = []
    look = advance.look

    def counted(conn: Any, view: Any, outside: Any = ()) -> Any:
        if view.run_id == run.id:
            looked.append(view.rev)
        return look(conn, view, outside)

    monkeypatch.setattr(advance, "look", counted)
    engine.drive()
    assert run.result(timeout=0) == [number + 100 for number in range(20)]
    assert looked == [0, 1]
