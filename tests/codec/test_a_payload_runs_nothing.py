"""A stored text, whatever it says, is a value of the codec's kinds or corrupt: it imports nothing and calls nothing."""

import json
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from durableflow.codec import decode, encode
from durableflow.codec.blobs import content_hash
from durableflow.errors import CorruptValue
from tests.codec import samples
from tests.codec.elsewhere import python
from tests.codec.test_every_type_comes_back import VALUES

EVIL = "tests.codec.samples"

CRAFTED: list[Any] = [
    {"~": "function", "v": "os:system"},
    {"~": "function", "v": "posix:system"},
    {"~": "function", "v": "subprocess:run"},
    {"~": "function", "v": "builtins:eval"},
    {"~": "function", "v": "builtins:exec"},
    {"~": "function", "v": "builtins:__import__"},
    {"~": "function", "v": "builtins:getattr"},
    {"~": "function", "v": "builtins:open"},
    {"~": "function", "v": "_operator:call"},
    {"~": "function", "v": "pickle:loads"},
    {"~": "function", "v": f"{EVIL}:Plain"},
    {"~": "function", "v": f"{EVIL}:forbidden.__globals__"},
    {"~": "function", "v": f"{EVIL}:auto"},
    {"~": "function", "v": f"{EVIL}:field"},
    {"~": "function", "v": f"{EVIL}:outer.<locals>.inner"},
    {"~": "function", "v": ["os", "system"]},
    {"~": "class", "v": "subprocess:Popen"},
    {"~": "class", "v": f"{EVIL}:Reducing"},
    {"~": "class", "v": f"{EVIL}:Plain"},
    {"~": "class", "v": f"{EVIL}:SecretStr"},
    {"~": "class", "v": "os:system"},
    {"~": "dataclass", "class": "subprocess:Popen", "v": {"args": "true"}},
    {"~": "dataclass", "class": f"{EVIL}:Reducing", "v": {}},
    {"~": "dataclass", "class": f"{EVIL}:Plain", "v": {"x": 1}},
    {"~": "dataclass", "class": f"{EVIL}:DictAnd", "v": {"x": 1}},
    {"~": "dataclass", "class": f"{EVIL}:Order.__init__", "v": {}},
    {"~": "dataclass", "class": f"{EVIL}:Color", "v": {}},
    {"~": "dataclass", "class": f"{EVIL}:Order", "v": []},
    {"~": "dataclass", "class": f"{EVIL}:Slotted", "v": {"nothing": 1}},
    {"~": "dataclass", "class": f"{EVIL}:Slotted", "v": {"__class__": {"~": "class", "v": "int"}}},
    {"~": "dataclass", "class": "no_such_module:Order", "v": {}},
    {"~": "dataclass", "class": f"{EVIL}:Missing", "v": {}},
    {"~": "dataclass", "class": EVIL, "v": {}},
    {"~": "dataclass", "class": None, "v": {}},
    {"~": "dataclass", "class": {"~": "class", "v": "int"}, "v": {}},
    {"~": "dataclass"},
    {"~": "dataclass", "class": f"{EVIL}:Held", "v": {"x": 1}},
    {"~": "dataclass", "class": f"{EVIL}:LAZY", "v": {}},
    {"~": "dataclass", "class": f"{EVIL}:LAZY.inner", "v": {}},
    {"~": "class", "v": f"{EVIL}:LAZY"},
    {"~": "function", "v": f"{EVIL}:LAZY"},
    {"~": "class", "v": f"{EVIL}:Meta"},
    {"~": "class", "v": f"{EVIL}:Watched"},
    {"~": "dataclass", "class": f"{EVIL}:Watched", "v": {}},
    {"~": "validation", "class": f"{EVIL}:ValidationError", "title": "t", "hide_input": False, "errors": [{}]},
    {"~": "validation", "class": f"{EVIL}:OutOfStock", "title": "t", "hide_input": False, "errors": []},
    {"~": "namedtuple", "class": f"{EVIL}:Order", "v": {}},
    {"~": "namedtuple", "class": f"{EVIL}:Pair", "v": {"right": 1}},
    {"~": "namedtuple", "class": f"{EVIL}:Pair", "v": {"left": 1, "up": 2}},
    {"~": "namedtuple", "class": "builtins:tuple", "v": {}},
    {"~": "enum", "class": f"{EVIL}:Color", "name": "GREEN"},
    {"~": "enum", "class": f"{EVIL}:Color", "name": "__class__"},
    {"~": "enum", "class": f"{EVIL}:Color", "value": "red"},
    {"~": "enum", "class": f"{EVIL}:Odd", "value": 3},
    {"~": "enum", "class": f"{EVIL}:Rights", "value": "READ"},
    {"~": "enum", "class": "builtins:int", "name": "real"},
    {"~": "pydantic", "class": f"{EVIL}:Order", "v": {}, "set": []},
    {"~": "pydantic", "class": f"{EVIL}:Line", "v": {}, "set": [[]]},
    {"~": "pydantic", "class": f"{EVIL}:Line", "v": 5, "set": []},
    {"~": "pydantic", "class": f"{EVIL}:Line", "v": {}, "set": [], "private": 5},
    {"~": "pydantic", "class": f"{EVIL}:SecretStr", "v": {}, "set": []},
    {"~": "pydantic", "class": f"{EVIL}:Crate[os.system]", "v": {}, "set": []},
    {"~": "url", "class": f"{EVIL}:HttpUrl", "v": "no url"},
    {"~": "url", "class": f"{EVIL}:Line", "v": "http://a"},
    {"~": "error", "class": "builtins:int", "args": []},
    {"~": "error", "class": f"{EVIL}:Order", "args": []},
    {"~": "error", "class": "builtins:ValueError", "args": 5},
    {"~": "error", "class": "builtins:ValueError", "args": [], "cause": "text"},
    {"~": "error", "class": "builtins:ValueError", "args": [], "context": 5},
    {"~": "error", "class": "builtins:ValueError", "args": [], "fields": {"__class__": None}},
    {"~": "error", "class": "builtins:ValueError", "args": [], "v": 5},
    {"~": "error", "class": "builtins:ExceptionGroup", "message": "m", "exceptions": []},
    {"~": "error", "class": "builtins:ExceptionGroup", "message": "m", "exceptions": [1]},
    {"~": "error", "class": "builtins:ExceptionGroup", "message": 1, "exceptions": [{"~": "error"}]},
    {"~": "error", "class": "pydantic_core:ValidationError", "args": []},
    {"~": "defaultdict", "factory": "os", "v": []},
    {"~": "defaultdict", "factory": {"~": "function", "v": "os:getcwd"}, "v": []},
    {"~": "zoneinfo", "v": "../../etc/passwd"},
    {"~": "zoneinfo", "v": "/etc/localtime"},
    {"~": "zoneinfo", "v": "No/Such"},
    {"~": "datetime", "v": {"at": "2024-01-01", "zone": {"~": "function", "v": "os:system"}}},
    {"~": "datetime", "v": {"at": "2024-01-01", "zone": {"~": "Decimal", "v": "1"}}},
    {"~": "datetime", "v": 5},
    {"~": "timedelta", "v": [1]},
    {"~": "timedelta", "v": [10**12, 0, 0]},
    {"~": "int", "v": "1_0x"},
    {"~": "int", "v": "9" * 5000},
    {"~": "int", "v": 5},
    {"~": "float", "v": "one"},
    {"~": "bytes", "v": "?"},
    {"~": "Decimal", "v": "x"},
    {"~": "UUID", "v": "x"},
    {"~": "WindowsPath", "v": "C:"} if sys.platform != "win32" else {"~": "PosixPath", "v": "/"},
    {"~": "range", "v": [0, 1, 0]},
    {"~": "slice", "v": [1]},
    {"~": "set", "v": [[]]},
    {"~": "set", "v": {}},
    {"~": "frozenset", "v": [{}]},
    {"~": "dict", "v": [[[], 1]]},
    {"~": "dict", "v": [[1, 1], [1, 2]]},
    {"~": "dict", "v": [[1]]},
    {"~": "deque", "maxlen": 1, "v": [1, 2]},
    {"~": "deque", "maxlen": -1, "v": []},
    {"~": "tuple"},
    {"~": "no such tag"},
    {"~": None},
    {"~": []},
    {"~": {}},
    {"~": "ref", "id": 1},
    {"~": "ref", "id": []},
    {"~": "def", "id": 1, "v": 5},
    {"~": "def", "id": 1, "v": {"~": "def", "id": 1, "v": []}},
    {"~": "def", "id": 1, "v": {"~": "tuple", "v": [{"~": "ref", "id": 1}]}},
    {"~": "def", "id": 1, "v": {"~": "frozenset", "v": [{"~": "ref", "id": 1}]}},
    {"~": "def", "id": 1, "v": {"~": "set", "v": [{"~": "ref", "id": 1}]}},
    {"~": "deep", "objects": 5, "v": 1},
    {"~": "blob", "hash": "0" * 32},
    {"~": "blob"},
    {"~": "blob", "hash": []},
    {"~": "chunks", "v": [[], {}]},
    {"~": "chunks", "v": ["a", "b"]},
    {"~": "chunks", "v": 5},
]


@pytest.mark.parametrize("payload", CRAFTED, ids=lambda payload: json.dumps(payload)[:60])
@pytest.mark.parametrize(
    "wrap", [lambda p: p, lambda p: [1, {"k": [p]}], lambda p: {"~": "tuple", "v": [p]}], ids="btl"
)
def test_a_crafted_payload_is_corrupt(payload: Any, wrap: Any) -> None:
    with pytest.raises(CorruptValue):
        decode(json.dumps(wrap(payload)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "nul",
        "[1",
        '{"a":1}x',
        "NaN",
        "[Infinity]",
        "-Infinity",
        '{"a" 1}',
        "'a'",
        "[" * 100_000,
        "9" * 5000,
        "\0",
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_what_is_not_json_is_corrupt(text: str) -> None:
    with pytest.raises(CorruptValue, match="a stored value cannot be read"):
        decode(text)


def test_deep_nesting_is_corrupt_and_no_crash() -> None:
    text = '{"~":"tuple","v":[' * 20_000 + "]}" * 20_000
    with pytest.raises(CorruptValue):
        decode(text)


def test_a_large_value_that_was_changed_is_corrupt() -> None:
    stored = encode({"items": ["a" * 3000]})
    (name,) = stored.blobs
    with pytest.raises(CorruptValue, match="is not what was stored"):
        decode(stored.text, blobs={name: '"something else"'})


def test_large_values_that_multiply_are_corrupt_and_fill_no_memory() -> None:
    blobs, text = {}, '"' + "x" * 100_000 + '"'
    for _ in range(40):
        name = content_hash(text)
        blobs[name] = text
        text = f'[{{"~":"blob","hash":"{name}"}},{{"~":"blob","hash":"{name}"}}]'
    with pytest.raises(CorruptValue, match="make it longer than"):
        decode(text, blobs=blobs)


def test_no_user_code_runs_while_an_instance_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples.Armed, "armed", True)
    monkeypatch.setattr(samples.Trap, "armed", True)
    back: Any = decode(
        json.dumps(
            [
                {"~": "dataclass", "class": f"{EVIL}:Armed", "v": {"value": 1}},
                {"~": "namedtuple", "class": f"{EVIL}:Trap", "v": {"value": 2}},
                {"~": "error", "class": f"{EVIL}:OutOfStock", "args": [3]},
                {"~": "pydantic", "class": f"{EVIL}:Strict", "v": {"number": -4}, "set": []},
                {"~": "dataclass", "class": f"{EVIL}:Guarded", "v": {"amount": -5}},
            ]
        )
    )
    assert [type(value) for value in back] == [
        samples.Armed,
        samples.Trap,
        samples.OutOfStock,
        samples.Strict,
        samples.Guarded,
    ]


def test_a_payload_imports_no_module(tmp_path: Any) -> None:
    (tmp_path / "lurking.py").write_text("raise SystemExit('imported')")
    (tmp_path / "lazy.py").write_text("def __getattr__(name):\n    raise SystemExit('asked for ' + name)\n")
    script = """if True:
        import sys, lazy
        from durableflow.codec import decode
        from durableflow.errors import CorruptValue
        before = set(sys.modules)
        for module in ("lurking", "lazy", "lazy.lurking", "antigravity", "xml.dom.minidom"):
            for tag in ("class", "function", "dataclass", "error", "enum"):
                try:
                    decode('{"~":"%s","v":"%s:x","class":"%s:x"}' % (tag, module, module))
                except CorruptValue:
                    continue
                raise SystemExit("no error")
        new = set(sys.modules) - before
        raise SystemExit(f"imported {new}" if new else 0)
    """
    assert python("-c", script, cwd=tmp_path) == ""


names = st.sampled_from(
    [f"{EVIL}:{name}" for name in vars(samples)]
    + ["os:system", "subprocess:Popen", "builtins:eval", "builtins:ValueError", "builtins:int", "sys:exit", "int"]
)
STORED = [json.loads(encode(value).text) for value in VALUES if len(encode(value).text) < 500]
tags = st.sampled_from(
    [*sorted({node["~"] for node in STORED if isinstance(node, dict) and "~" in node}), "def", "ref"]
)
keys = st.sampled_from(
    ["v", "class", "name", "value", "id", "args", "set", "cause", "fields", "zone", "at", "maxlen", "objects"]
)
payloads = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | names
    | tags
    | st.sampled_from(STORED),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        | st.builds(
            lambda tag, rest: {"~": tag, **rest}, tags | inner, st.dictionaries(keys, names | inner, max_size=4)
        )
        | st.builds(
            lambda cls, tag, v: {"~": tag, "class": cls, "v": v},
            names,
            tags,
            st.dictionaries(st.text(max_size=3), inner),
        )
    ),
    max_leaves=12,
)


@settings(max_examples=700, deadline=None, suppress_health_check=list(HealthCheck))
@given(payloads)
def test_any_json_is_a_value_or_corrupt(payload: Any) -> None:
    with suppress(CorruptValue):
        decode(json.dumps(payload))


def _mutations(node: Any, path: tuple[Any, ...] = ()) -> Any:
    yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from _mutations(node[key], (*path, key))


@settings(max_examples=700, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(STORED), payloads, st.data())
def test_a_stored_text_changed_anywhere_is_a_value_or_corrupt(node: Any, graft: Any, data: st.DataObject) -> None:
    document = json.loads(json.dumps([node]))
    *path, last = data.draw(st.sampled_from([path for path in _mutations(document) if path]))
    place = document
    for step in path:
        place = place[step]
    place[last] = graft
    with suppress(CorruptValue):
        decode(json.dumps(document))
