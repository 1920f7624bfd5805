from collections.abc import Iterator

import pytest

from tests.waiting import shop
from tests.waiting.conftest import df, engine

__all__ = ["df", "engine"]


@pytest.fixture(autouse=True)
def _nothing_is_broken() -> Iterator[None]:
    yield
    shop.BROKEN.clear()
    shop.EFFECTS.clear()
