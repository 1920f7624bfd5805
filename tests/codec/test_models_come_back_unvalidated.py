"""Pydantic models come back as what they were: no conversion, no validation, no change of class."""

from typing import Any

import pytest
from pydantic import SecretBytes, SecretStr

from durableflow.codec import decode, encode
from durableflow.errors import CorruptValue, NotStorable
from tests.codec.likeness import unlike
from tests.codec.roundtrip import restored
from tests.codec.samples import Basket, Crate, Gift, IntCrate, Line, LineCrate, Link, Login, Numbers, Strict


def test_a_model_comes_back_with_extras_private_attributes_and_the_fields_that_were_given() -> None:
    basket = Basket(lines=[Line(sku="a"), Line(sku="b", count=2)], colour="red")  # type: ignore[call-arg]
    basket._seen.add(7)
    back = restored(basket)
    assert unlike(basket, back) is None
    assert back == basket
    assert back.model_fields_set == {"lines", "colour"}
    assert back.lines[0].model_fields_set == {"sku"}
    assert back._seen == {7}
    assert back.colour == "red"
    assert not hasattr(back, "_later")


def test_a_subclass_in_a_field_of_its_base_keeps_its_class() -> None:
    back = restored(Basket(lines=[Gift(sku="a", wrapped=False)]))
    assert type(back.lines[0]) is Gift
    assert back.lines[0].wrapped is False


def test_a_value_that_validation_would_change_or_refuse_stays() -> None:
    line = Line.model_construct(sku="a", count="5")
    strict = Strict.model_construct(number=-1)
    back = restored([line, strict])
    assert back[0].count == "5"
    assert back[1].number == -1


def test_a_restored_model_is_a_whole_model() -> None:
    back = restored(Basket(lines=[Line(sku="a")]))
    assert back.model_dump()["lines"] == [{"sku": "a", "count": 1, "tags": []}]
    assert back.model_copy(update={"owner": 1}).owner == 1
    back.lines = []
    back.anything = 5
    assert back.model_extra == {"anything": 5}
    assert hash(restored(Strict(number=1))) == hash(Strict(number=1))


@pytest.mark.parametrize(
    "model", [IntCrate(content=1), LineCrate(content=Line(sku="a")), Numbers([1, 2]), Crate(content=[])]
)
def test_generic_and_root_models_come_back(model: Any) -> None:
    back = restored(model)
    assert type(back) is type(model)
    assert back == model


def test_a_parametrised_model_that_this_process_does_not_have_is_named() -> None:
    text = encode(IntCrate(content=1)).text.replace("[int]", "[complex]")
    with pytest.raises(CorruptValue, match=r"Crate\[complex\] does not exist in this process"):
        decode(text)


def test_a_name_of_an_extra_may_be_any_text() -> None:
    basket = Basket(lines=[], **{"a\0b": 1, "~": 2})
    back = restored(basket)
    assert back == basket
    assert back.model_fields_set == {"lines", "a\0b", "~"}
    assert "\\u0000" not in encode(basket).text.replace("\\\\u0000", "")


def test_urls_come_back() -> None:
    link = Link(url="https://example.org/a?b=c")  # type: ignore[arg-type]
    back = restored(link)
    assert back == link
    assert str(back.url) == "https://example.org/a?b=c"


@pytest.mark.parametrize(
    "value",
    [SecretStr("s"), SecretBytes(b"s"), Login(user="u", password=SecretStr("s"))],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_refused(value: Any) -> None:
    with pytest.raises(NotStorable, match=r"is not storable \(it is a secret") as refused:
        encode({"login": value})
    assert "'s'" not in str(refused.value)


def test_the_fields_that_were_given_are_stored_in_the_order_of_the_fields() -> None:
    assert '"set":["lines","owner","a","b"]' in encode(Basket(b=1, a=2, owner=3, lines=[])).text  # type: ignore[call-arg]
