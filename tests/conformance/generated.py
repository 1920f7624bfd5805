"""Canvases that nobody has written: chains, groups and chords in each other, with tasks that tell what they were given.

``canvas(seed, box)`` makes the same one whenever it is asked. What it comes to, ``model`` says.
"""

from random import Random
from typing import Any

from celery import Signature, chain, chord, group
from celery.canvas import _chain

from tests.conformance.tasks import becomes, breaks, tally, tells, tells_at_second

DEPTH = 4


def canvas(seed: int, box: str) -> Signature:
    """One canvas of up to about twenty tasks."""
    maker = _Maker(Random(seed), box)
    made = maker.part(DEPTH)
    if isinstance(made, _chain) and maker.maybe(0.3):
        made.link_error(maker.errback())
    return made


class _Maker:
    def __init__(self, random: Random, box: str) -> None:
        self.random = random
        self.box = box
        self.tasks = 0
        self.in_body = 0

    def part(self, depth: int) -> Any:
        if depth == 0 or self.tasks > 12 or self.maybe(0.25):
            return self.task()
        make = self.random.choice((self.chain, self.chain, self.operator, self.group, self.chord))
        return make(depth - 1)

    def chain(self, depth: int) -> Any:
        return chain(*self.parts(depth, 2, 3))

    def operator(self, depth: int) -> Any:
        first, *others = self.parts(depth, 2, 3)
        for other in others:
            first = first | other
        return first

    def group(self, depth: int) -> Any:
        return group(self.parts(depth, 1, 3))

    def chord(self, depth: int) -> Any:
        header = self.parts(depth, 1, 3)
        self.in_body += 1
        body = self.part(depth)
        self.in_body -= 1
        made = chord(header, body)
        if self.maybe(0.15):
            made.link_error(self.errback())
        return made

    def parts(self, depth: int, least: int, most: int) -> list[Any]:
        return [self.part(depth) for _ in range(self.random.randint(least, most))]

    def task(self) -> Signature:
        label = self.label()
        kind = self.random.choices((tells, becomes, tells_at_second, breaks), weights=(84, 8, 5, 3))[0]
        sig = kind.s(*range(self.random.randint(0, 2)), label=label, box=self.box)
        if self.maybe(0.2):
            sig.kwargs["more"] = self.random.randint(1, 9)
        if self.maybe(0.2):
            sig.set(immutable=True)
        if self.maybe(0.1):
            sig.link(tells.s(label=f"{label} callback", box=self.box))
        # Which errbacks of a body of several tasks a failed header calls is left open by Celery.
        if self.maybe(0.1) and not self.in_body:
            sig.link_error(self.errback())
        return sig

    def errback(self) -> Signature:
        return tally.si(box=self.box, what=f"{self.label()} errback")

    def label(self) -> str:
        self.tasks += 1
        return f"t{self.tasks}"

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability
