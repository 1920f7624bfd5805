"""What a type checker makes of signals. Read by mypy, never run: see ``public_api.py``."""

from collections.abc import Callable
from typing import Any, assert_type
from uuid import UUID

from durableflow import DurableFlow, signals

df = DurableFlow("shop")


@df.step
def charge(cents: int) -> str:
    return f"{cents} cents"


@signals.step_failed.connect
def plain(sender: str, error: BaseException, run_id: UUID, **kwargs: Any) -> int:
    return 1


@signals.step_failed.connect(sender="shop.charge", weak=False, dispatch_uid="mine")
def narrow(sender: str, error: BaseException, **kwargs: Any) -> None: ...


def as_functions() -> None:
    assert_type(plain("shop.charge", ValueError(), UUID(int=0)), int)
    assert_type(narrow("shop.charge", ValueError()), None)
    given: Callable[..., None] = signals.run_failed.connect(narrow, sender=charge, weak=False, retry=True)
    signals.run_failed.connect(narrow, "shop.checkout", False)
    assert_type(signals.run_failed.disconnect(given, sender="shop.checkout"), bool)
    assert_type(signals.worker_lost.name, str)


def mistakes() -> None:
    signals.step_failed.connect(3)  # type: ignore[call-overload]
    signals.step_failed.connect(narrow, sendr="shop.charge")  # type: ignore[call-overload]
    signals.step_fialed.connect(narrow)  # type: ignore[attr-defined]
