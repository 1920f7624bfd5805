import inspect
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from durableflow.client.inputs import fit
from durableflow.errors import InvalidInput
from tests.client import shop
from tests.client.shop import Address, Gift, Item, Order


def fitted(definition: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    bound = definition.signature.bind(args, kwargs)
    return fit(definition.name, definition.function, bound)[2]


def test_json_becomes_the_models_that_the_parameters_name() -> None:
    got = fitted(shop.checkout, {"id": "7", "items": [{"name": "hat", "price": "1.10"}]}, "2026-01-02")
    assert got["order"] == Order(id=7, items=[Item(name="hat", price=Decimal("1.10"))])
    assert got["day"] == date(2026, 1, 2)
    assert fitted(shop.deliver, {"street": "Main"})["address"] == Address("Main")


def test_instances_pass_through_as_they_are() -> None:
    order = Order(id=1, items=[Gift(name="ring", price=Decimal(9), message="for you")])
    got = fitted(shop.checkout, order)["order"]
    assert got is order
    assert type(got.items[0]) is Gift
    gift = Gift(name="ring", price=Decimal(9))
    assert fitted(shop.pack, gift)["item"] is gift


def test_what_has_no_annotation_is_not_touched() -> None:
    thing = object()
    assert fitted(shop.deliver, Address("x"), thing, thing) == {
        "address": Address("x"),
        "anything": thing,
        "untyped": thing,
    }


def test_defaults_and_collected_arguments_are_listed() -> None:
    got = fitted(shop.checkout, Order(id=1), "2026-01-02", "a", "b")
    assert got["notes"] == ("a", "b")
    assert got["gift"] is False
    with pytest.raises(InvalidInput, match="notes"):
        fitted(shop.checkout, Order(id=1), "2026-01-02", 3)


def test_every_problem_is_told_with_its_place_and_without_the_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        fitted(shop.checkout, {"id": "secret", "items": [{"name": "hat"}]}, "someday")
    text = str(caught.value)
    assert text.startswith("store.checkout cannot start with this input:")
    assert "order.id: Input should be a valid integer" in text
    assert "order.items.0.price: Field required" in text
    assert "day: " in text
    assert "secret" not in text
    assert "someday" not in text


def test_an_annotation_for_type_checkers_only_does_not_stop_the_others() -> None:
    namespace: dict[str, Any] = {"date": date, "__name__": __name__}
    exec("def f(a: 'Unknown', b: 'date'): ...", namespace)  # noqa: S102
    function = namespace["f"]
    bound = inspect.signature(function).bind(1, "2026-01-02")
    assert fit("f", function, bound)[2] == {"a": 1, "b": date(2026, 1, 2)}
