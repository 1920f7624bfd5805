"""All scenarios, by subject. Importing this package registers them."""

from tests.conformance.scenario import SCENARIOS
from tests.conformance.scenarios import (
    arguments,
    chains,
    chords,
    empty,
    errbacks,
    groups,
    links,
    maps,
    options,
    replacing,
    retrying,
    signatures,
    stamping,
)

__all__ = [
    "SCENARIOS",
    "arguments",
    "chains",
    "chords",
    "empty",
    "errbacks",
    "groups",
    "links",
    "maps",
    "options",
    "replacing",
    "retrying",
    "signatures",
    "stamping",
]
