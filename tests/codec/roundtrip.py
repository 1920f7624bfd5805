"""Through the stored form and back."""

from typing import Any

from durableflow.codec import decode, encode


def restored(value: Any) -> Any:
    """What comes back of a value."""
    stored = encode(value)
    return decode(stored.text, blobs=stored.blobs)
