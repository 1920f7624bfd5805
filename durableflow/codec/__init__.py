"""Values as JSON text: what crosses the boundary between Python and the database.

`encode` gives the text of a value, and beside it its large parts by content hash; `decode` gives the value back.
Inputs, outputs, variables and errors all pass through here, on the hot path too: a value never differs only after a
crash.

What JSON has (None, bool, int, float, str, lists, dicts with str keys) is stored as it is, and SQL can read it. All
else is an object with the key ``~``, which names its form::

    {"~": "datetime", "v": "2024-02-29T12:00:00+00:00"}
    {"~": "dataclass", "class": "shop:Order", "v": {"id": 42, "items": []}}
    {"~": "dict", "v": [[1, "a key that is no str"], ["~", "or one that would look like a form"]]}
    {"~": "def", "id": 1, "v": []}, {"~": "ref", "id": 1}      an object that occurs twice (`writer`)
    {"~": "blob", "hash": "..."}, {"~": "chunks", "v": []}     large parts (`blobs`)

The exact runtime class decides, never an annotation: a subclass of a known type has a form of its own or is refused.
Decoding imports nothing, and calls nothing of the user's except ``__hash__`` and ``__eq__`` of what is in a set or is a
key, which a set cannot do without (`kinds`, `names`). Shared and cyclic references survive (`writer`, `reader`). The
text is the same in every process and on every version of Python, but for the order of sets.

Forms are for ever: a stored run may be read by any later version.
"""

from durableflow.codec.blobs import references
from durableflow.codec.document import Encoded, decode, digest, encode, encode_plain
from durableflow.codec.extension import Extension, register

__all__ = ["Encoded", "Extension", "decode", "digest", "encode", "encode_plain", "references", "register"]
