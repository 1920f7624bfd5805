"""Classes and functions are stored by the names that other processes know them by, ``__main__`` included."""

import sys
import types
from pathlib import Path

import pytest

from durableflow.codec import decode, encode
from durableflow.errors import CorruptValue, NotStorable
from tests.codec.elsewhere import python
from tests.codec.samples import Order

SCRIPT = """
from dataclasses import dataclass
from durableflow.codec import decode, encode

@dataclass
class Order:
    id: int

def price(order):
    return order.id

if __name__ == "__main__":
    text = encode([Order(7), price, Order]).text
    assert decode(text) == [Order(7), price, Order]
    print(text, end="")
"""


@pytest.mark.parametrize("command", [["shop.py"], ["-m", "shop"], ["-m", "package.shop"]], ids=" ".join)
def test_what_a_script_stores_is_read_where_its_module_is_imported(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "package").mkdir()
    for place in (tmp_path, tmp_path / "package"):
        (place / "shop.py").write_text(SCRIPT)
    module = command[-1].removesuffix(".py")
    text = python(*command, cwd=tmp_path)
    assert f'"{module}:Order"' in text
    reader = f"""if True:
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import {module} as shop
        from durableflow.codec import decode
        assert decode(sys.argv[1]) == [shop.Order(7), shop.price, shop.Order]
    """
    python("-c", reader, text)


def test_what_a_worker_stores_is_read_by_the_script(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SCRIPT.replace("print(text", "import sys; print(decode(sys.argv[1])"))
    text = '{"~":"dataclass","class":"shop:Order","v":{"id":9}}'
    assert python("shop.py", text, cwd=tmp_path) == "Order(id=9)"


def test_a_module_that_is_not_loaded_is_named() -> None:
    with pytest.raises(CorruptValue, match="elsewhere:Order is not there: the module is not loaded in this process"):
        decode('{"~":"dataclass","class":"elsewhere:Order","v":{}}')


def test_a_module_that_was_loaded_anew_gives_its_new_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"

    def load() -> types.ModuleType:
        module = types.ModuleType("reloaded_module")
        monkeypatch.setitem(sys.modules, "reloaded_module", module)
        exec(source, module.__dict__)  # noqa: S102
        return module

    old = load()
    text = encode(old.A(1)).text
    assert type(decode(text)) is old.A
    new = load()
    assert type(decode(text)) is new.A
    with pytest.raises(NotStorable, match="cannot be found by name"):
        encode(old.A(1))
    monkeypatch.delitem(sys.modules, "reloaded_module")
    with pytest.raises(CorruptValue, match="is not loaded"):
        decode(text)
    with pytest.raises(NotStorable):
        encode(new.A(1))


def test_a_name_that_means_another_class_by_now_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(1)
    monkeypatch.setattr("tests.codec.samples.Order", int)
    with pytest.raises(NotStorable):
        encode(order)


def test_another_name_of_a_function_is_no_way_to_it() -> None:
    with pytest.raises(CorruptValue, match="another name"):
        decode(f'{{"~":"function","v":"{__name__}:encode"}}')
