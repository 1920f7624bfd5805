"""What somebody hears who waits for something in a way that cannot work: what was wrong, and what to write."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from durableflow import DurableFlow, begin, cancel, gather, later, race, sleep, spawn
from durableflow.errors import NotAwaited
from durableflow.language import Handle

df = DurableFlow("mistakes")


@df.step
def add(a: int, b: int) -> int:
    return a + b


@df.routine
async def helper() -> int:
    return await add(1, 1)


def handle() -> Any:
    return Handle("mistakes.add", 1, 0)


@pytest.mark.parametrize(
    ("mistake", "error", "says"),
    [
        (lambda: gather([add(1, 1)]), TypeError, "argument 1: a list of calls is spread: gather(*calls)"),
        (lambda: race(add(1, 1) for _ in "ab"), TypeError, "a generator of calls is spread: race(*calls)"),
        (lambda: gather(later(add(1, 1))), TypeError, "later(mistakes.add(...)) stands in the arguments of a step"),
        (lambda: later(3), TypeError, "later() takes a call that was not awaited, not int"),
        (lambda: later(handle()), TypeError, "not the handle of mistakes.add: await that first"),
        (lambda: later(later(add(1, 1))), TypeError, "once is enough"),
        (lambda: later(add(1, 1)) + 1, NotAwaited, "is not a number; it is no value yet: only steps can be given it"),
        (lambda: handle() + 1, NotAwaited, "the handle of mistakes.add is not a number; await it first"),
        (lambda: add(handle(), 1), NotAwaited, "the handle of mistakes.add is passed to mistakes.add()"),
        (lambda: begin(helper()), TypeError, "begin() takes a call or a sleep, not mistakes.helper()"),
        (lambda: spawn(add(1, 1)), TypeError, "a step is begun with begin()"),
        (lambda: cancel(add(1, 1).args), TypeError, "cancel() takes the handle that begin() or spawn() gave"),
        (lambda: race(), ValueError, "race() of nothing would never end"),
        (lambda: gather(sleep(1), limit=0), ValueError, "gather(limit=0) would never begin"),
    ],
)
@pytest.mark.filterwarnings("ignore:call .* was never awaited")
def test_the_error_says_what_to_write(mistake: Callable[[], Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        mistake()
