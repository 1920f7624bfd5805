"""After a fault: what the tables say holds together, and the journal bears it out."""

from collections import Counter
from typing import Any

import psycopg

from durableflow.language import Run
from tests.faults.journal import Journal
from tests.support.invariants import violations

_BORN = """
SELECT s.run_id || ':' || s.rev || ':' || s.index, extract(epoch FROM c.created_at)::float8
FROM durableflow_core.step AS s JOIN durableflow_core.checkpoint AS c USING (run_id, rev)
WHERE s.run_id IN (SELECT id FROM durableflow_core.run WHERE %s IN (id, parent_id))
"""


def prove(
    database_url: str,
    journal: Journal,
    run: Run[dict[str, str]],
    names: set[str],
    *,
    timeout: float = 60.0,
    clocks_agree: bool = True,
) -> None:
    """The run ends with the right result; no invariant is broken; every effect was there once; nothing that was used
    was replaced, and nothing began before what it needs was committed. names: the steps that have a value;
    clocks_agree: False where the journal's times are not to be compared."""
    used = run.result(timeout=timeout)
    assert set(used) == names
    with psycopg.connect(database_url, autocommit=True) as db:
        _invariants(db)
        born: dict[str, float] = dict(db.execute(_BORN, (run.id,)).fetchall())
    assert journal.effects() == Counter(names)
    _each_outcome_is_one(journal, used)
    if clocks_agree:
        _nothing_began_too_early(journal, born)


def _invariants(db: psycopg.Connection[Any]) -> None:
    found = violations(db, settled=False)
    assert not found, found


def _each_outcome_is_one(journal: Journal, used: dict[str, str]) -> None:
    """Whatever a step has come to, all that followed in any attempt on any worker saw that, and so did the workflow."""
    ended = {line.nonce for line in journal.lines(event="ends")}
    assert set(used.values()) <= ended
    for line in journal.lines():
        assert line.given == {name: used[name] for name in line.given}, line


def _nothing_began_too_early(journal: Journal, born: dict[str, float]) -> None:
    """No attempt before the commit of the checkpoint that awaits it, nor before the end of what it was given; and once
    an outcome was used, no further attempt of that step."""
    ends = {line.nonce: line.at for line in journal.lines(event="ends")}
    first_use: dict[str, float] = {}
    for line in journal.lines(event="begins"):
        assert line.at >= born[line.key], line
        for name, nonce in line.given.items():
            assert line.at >= ends[nonce], (line, name)
            first_use.setdefault(name, line.at)
    for line in journal.lines(event="begins"):
        assert line.at <= first_use.get(line.name, line.at), f"{line} began after its step's outcome had been used"
