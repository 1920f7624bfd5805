import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from durableflow.client import Client
from durableflow.errors import DuplicateDefinition, UnknownStep, UnknownWorkflow, WorkflowDefinitionError
from durableflow.language import Registry
from tests.language.shop import charge, checkout, df, saga

SHOP = """
from durableflow.client import Client
df = Client("shop")

@df.step
def charge(order): return {value}

@df.workflow
async def checkout(order): return await charge(order)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Write a module, import it; after the test it is gone."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = []

    def write(name: str, source: str) -> ModuleType:
        names.append(name)
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in names:
        sys.modules.pop(name, None)


def test_definitions_are_named_after_the_application() -> None:
    assert (charge.name, checkout.name, saga.name) == ("shop.charge", "shop.checkout", "shop.saga")
    assert df.registry.step("shop.charge") is charge
    assert df.registry.workflow("shop.saga") is saga
    assert df.registry.get("shop.saga", saga.version) is saga
    assert df.registry.get("shop.saga", "another") is None


def test_two_functions_of_one_name_are_refused_with_both_places(module: Any) -> None:
    with pytest.raises(
        DuplicateDefinition, match=r"shop\.charge is defined twice: in .*twice\.py:5 and in .*twice\.py:\d+"
    ):
        module("twice", SHOP.format(value=1) + "\n@df.step\ndef charge(order): return 2\n")


def test_a_workflow_and_a_step_do_not_share_a_name(module: Any) -> None:
    with pytest.raises(DuplicateDefinition, match="is defined twice"):
        module("shared", SHOP.format(value=1) + "\n@df.step(name='shop.checkout')\ndef other(order): return 2\n")


def test_functions_of_two_modules_do_not_share_a_name(module: Any) -> None:
    module("first_shop", SHOP.format(value=1))
    with pytest.raises(DuplicateDefinition, match=r"first_shop\.py:5 and in .*second_shop\.py"):
        module("second_shop", "from first_shop import df\n@df.step\ndef charge(order): return 2\n")


def test_a_module_that_is_imported_again_replaces_its_definitions(module: Any) -> None:
    module("app_of", "from durableflow.client import Client\ndf = Client('shop')\n")
    shop = "from app_of import df\n{}@df.step\ndef charge(order): return {}\n"
    again = module("again", shop.format("", 1))
    Path(str(again.__file__)).write_text(shop.format("\n\n", 2))
    importlib.reload(again)
    assert again.df.registry.step("shop.charge").run(None) == 2
    del sys.modules["again"]
    importlib.import_module("again")
    assert len(again.df.registry.steps) == 1


def test_a_script_that_is_imported_as_a_module_too_replaces_its_definitions(module: Any) -> None:
    module("app_of_script", "from durableflow.client import Client\ndf = Client('shop')\n")
    source = "from app_of_script import df\n@df.step\ndef charge(order): return __name__\n"
    script = module("script", source)
    main = {"__name__": "__main__", "__file__": script.__file__}
    exec(compile(source, str(script.__file__), "exec"), main)  # noqa: S102
    assert script.df.registry.step("shop.charge").run(None) == "__main__"


def test_an_unknown_name_comes_with_the_closest_ones() -> None:
    with pytest.raises(UnknownStep, match=r"no step is registered as shop\.chrage; did you mean shop\.charge"):
        df.registry.step("shop.chrage")
    with pytest.raises(UnknownWorkflow, match=r"did you mean shop\.checkout"):
        df.registry.workflow("shop.chekout")
    with pytest.raises(UnknownWorkflow, match=r"shop\.charge is a step, not a workflow"):
        df.registry.workflow("shop.charge")
    with pytest.raises(UnknownStep, match="registered: none"):
        Registry("empty").step("x")


def test_decorators_refuse_what_is_no_function() -> None:
    app = Client("other")
    with pytest.raises(TypeError, match="takes a function"):
        app.step(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="is a definition already"):
        app.step(charge)
    with pytest.raises(ValueError, match="timeout"):
        app.step(timeout=0)
    with pytest.raises(ValueError, match="priority"):
        app.step(priority=12)
    with pytest.raises(TypeError, match="retry"):
        app.step(retry=3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="has a name"):
        Client("")


def test_a_bare_call_is_refused_when_the_workflow_is_defined(module: Any) -> None:
    source = SHOP.format(value=1) + "\n@df.workflow\nasync def forgets(order):\n    charge(order)\n"
    with pytest.raises(WorkflowDefinitionError, match="await"):
        module("forgets", source)


def test_arguments_are_checked_where_the_call_is_made() -> None:
    with pytest.raises(TypeError, match=r"charge\(\) missing a required argument: 'order'"):
        charge()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"charge\(\) too many positional arguments"):
        charge(1, "EUR", 3)  # type: ignore[call-arg, arg-type]
    with pytest.raises(TypeError, match=r"checkout\(\) got an unexpected keyword argument 'key'"):
        checkout(None, key="order-42")  # type: ignore[call-arg, arg-type]
