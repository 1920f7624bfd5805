"""Signatures as values: tasks return them, and get them as arguments."""

from celery import chain, group

from tests.conformance.scenario import Case, gives, subject
from tests.conformance.tasks import NESTINGS, add, identity, make_signature, rebuilt, replaced_as_is

signatures = subject("signature")


@signatures(
    *(
        f"signature_serialization: rebuild_nested_{outer}_{inner}"
        for outer in ("chain", "group", "chord")
        for inner in ("chain", "group", "chord")
    )
)
def signatures_that_tasks_return_can_be_rebuilt_whatever_is_in_them(box: str) -> Case:
    return Case(
        group(chain(make_signature.s(nesting), rebuilt.s()) for nesting in NESTINGS), gives([True] * len(NESTINGS))
    )


@signatures()
def a_signature_that_is_an_argument_can_be_used(box: str) -> Case:
    return Case(chain(identity.s(1), replaced_as_is.s(by=group(add.s(1, 2), add.s(3, 4)))), gives([3, 7]))
