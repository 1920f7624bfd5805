"""An exception comes back with its class, args, attributes, notes, cause and context, and no user's __init__ runs."""

import json
import os
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from durableflow.codec import decode, encode
from durableflow.errors import NotStorable, RunFailed, StepRaised
from tests.codec.likeness import unlike
from tests.codec.roundtrip import restored
from tests.codec.samples import Declined, DiskFull, Failures, Line, NotThere, OutOfStock, Reducing, Slot


def raised(provoke: Any) -> BaseException:
    try:
        provoke()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def chained(outer: BaseException, inner: BaseException | None, *, plain: bool = False) -> BaseException:
    def provoke() -> None:
        try:
            raise inner or ValueError("inner")
        except BaseException as error:
            if plain:
                raise outer  # noqa: B904  # for its context alone
            raise outer from (error if inner else None)

    return raised(provoke)


def slotted() -> Slot:
    error = Slot("x")
    error.place = [error]
    return error


def noted() -> BaseException:
    error = ValueError("v")
    error.add_note("first")
    error.add_note("second")
    return error


STOP = StopIteration(5)
ERRORS = [
    *(Exception(), ValueError("text"), KeyError("k"), RuntimeError(1, [2], {"a": None}), KeyboardInterrupt(), STOP),
    *(SystemExit(3), SystemExit("bye"), StopAsyncIteration(1), GeneratorExit(), RecursionError("deep"), Warning("w")),
    *(
        FileNotFoundError(2, "No such file", "a", None, "b"),
        OSError("odd"),
        OSError(1, "x"),
        BlockingIOError(11, "b", 7),
    ),
    raised(lambda: os.stat("/nonexistent/file")),
    raised(lambda: 1 / 0),
    raised(lambda: {}["missing"]),
    raised(lambda: [][1]),
    raised(lambda: object().missing),  # type: ignore[attr-defined]
    raised(lambda: undefined),  # type: ignore[name-defined]  # noqa: F821
    raised(lambda: b"\xff".decode("utf-8")),
    raised(lambda: "\ud800".encode()),
    raised(lambda: __import__("no_such_module_anywhere")),
    raised(lambda: compile("a b", "file.py", "exec")),
    raised(lambda: json.loads("{")),
    UnicodeTranslateError("abc", 1, 2, "why"),
    *(
        OutOfStock("sku", left=2),
        NotThere("n"),
        DiskFull("/dev/sda"),
        slotted(),
        noted(),
        Declined(5, "no"),
        RunFailed("r"),
    ),
    *(
        ExceptionGroup("g", [ValueError(1), OutOfStock("a", left=0)]),
        BaseExceptionGroup("b", (KeyboardInterrupt(), STOP)),
    ),
    Failures("f", [ExceptionGroup("inner", [noted()])]),
    chained(OutOfStock("a", left=1), KeyError("cause")),
    chained(OutOfStock("a", left=1), None),
    chained(OutOfStock("a", left=1), KeyError("context"), plain=True),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_comes_back_alike(error: BaseException) -> None:
    back = restored(error)
    assert unlike(error, back) is None
    assert str(back) == str(error)
    assert repr(back) == repr(error)
    assert back.__traceback__ is None


def test_a_restored_exception_can_be_raised_caught_and_matched() -> None:
    with pytest.raises(FileNotFoundError, match="No such file") as caught:
        raise restored(FileNotFoundError(2, "No such file", "a"))
    assert caught.value.filename == "a"
    group = restored(Failures("f", [ValueError(1), KeyError(2)]))
    matched, rest = group.split(ValueError)
    assert type(matched) is Failures
    assert rest.exceptions[0].args == (2,)


def test_a_context_that_is_the_cause_is_stored_once() -> None:
    error = chained(OutOfStock("a", left=1), KeyError("cause"))
    back = restored(error)
    assert back.__context__ is back.__cause__
    assert encode(error).text.count("KeyError") == 1


def test_a_group_whose_members_lead_back_to_it() -> None:
    inner = ValueError("inner")
    group = ExceptionGroup("g", [inner])
    inner.__context__ = group
    back = restored({"group": group, "inner": inner})
    assert back["group"].exceptions[0] is back["inner"]
    assert back["inner"].__context__ is back["group"]


def test_changed_args_do_not_change_what_a_group_holds() -> None:
    group = ExceptionGroup("g", [ValueError(1)])
    group.args = ("other",)
    back = restored(group)
    assert back.args == ("other",)
    assert back.message == "g"
    assert back.exceptions[0].args == (1,)


def test_what_lacked_an_attribute_is_not_stored_with_the_error() -> None:
    back = restored(raised(lambda: Reducing().missing))  # type: ignore[attr-defined]
    assert back.name == "missing"
    assert back.obj is None


def test_an_exception_that_holds_what_cannot_be_stored_is_refused_with_the_path() -> None:
    error = OutOfStock("a", left=1)
    error.response = {"body": Reducing()}  # type: ignore[attr-defined]
    with pytest.raises(NotStorable, match=r"^error\.response\['body'\]: Reducing is not storable"):
        encode(error, where="error")
    with pytest.raises(NotStorable, match=r"^e\.args\[0\]: Reducing is not storable"):
        encode(ValueError(Reducing()), where="e")


def test_a_failure_is_not_lost_to_the_failure_before_it() -> None:
    before = OutOfStock("a", left=1)
    before.response = Reducing()  # type: ignore[attr-defined]
    error = chained(ValueError("after"), before)
    back = restored([error, [1], error])
    assert type(back[0]) is ValueError
    assert type(back[0].__cause__) is StepRaised
    assert str(back[0].__cause__) == "tests.codec.samples.OutOfStock: a: only 1 left"
    assert back[2] is back[0]


def test_what_an_unstorable_context_shared_is_stored_where_it_can_be() -> None:
    shared = ["kept"]
    before = OutOfStock("a", left=1)
    before.first, before.response = shared, Reducing()  # type: ignore[attr-defined]
    error = chained(ValueError(shared), before)
    back = restored({"error": error, "shared": shared, "again": shared})
    assert back["error"].args[0] is back["shared"] is back["again"]


def test_an_error_whose_text_cannot_be_had_is_described_by_its_type() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    back = restored(chained(ValueError(1), Mute()))
    assert str(back.__cause__).endswith("Mute: its text raised RuntimeError")


class Order(BaseModel):
    id: int = Field(gt=0)
    lines: list[Line]
    note: str = "n"

    @field_validator("note")
    @classmethod
    def check(cls, note: str) -> str:
        if note == "custom":
            raise PydanticCustomError("bad_note", "the note {note} is bad", {"note": note})
        if note == "plain":
            raise ValueError("a plain note")
        return note


class Hidden(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    token: int


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Order, {"id": 0, "lines": [{"sku": 1}, 5], "note": "custom"}),
        (Order, {"id": "x", "note": "plain"}),
        (Hidden, {"token": "secret"}),
    ],
)
def test_a_validation_error_comes_back_with_its_findings(model: type[BaseModel], given: Any) -> None:
    error = raised(lambda: model.model_validate(given))
    error.add_note("in step charge")
    stored = encode(error)
    back: Any = decode(stored.text)
    assert type(back) is ValidationError
    assert str(back) == str(error)
    assert back.__notes__ == ["in step charge"]
    assert "secret" not in stored.text
    expected, found = error.errors(), back.errors()  # type: ignore[attr-defined]
    if model is Order:
        assert [str(finding) for finding in found] == [str(finding) for finding in expected]
