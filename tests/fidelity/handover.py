"""A checkpoint that one Python wrote, continued by another.

``python -m tests.fidelity.handover write FILE`` runs the corpus and keeps every checkpoint as it is stored; ``read
FILE``, on another interpreter, makes one turn from each of them, and compares its effects with what CPython does there.
``tests.interpreters`` does both, both ways.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durableflow.codec import decode, encode
from durableflow.machine import Failed, Finished, Suspended, compile_function
from tests.fidelity.corpus.programs import PROGRAMS, arguments
from tests.fidelity.oracle import Turn, fresh, run_machine, run_plain
from tests.fidelity.prelude import Scripted, recording
from tests.fidelity.script import Script
from tests.fidelity.trace import Trace

SCRIPT = Script()


def write(file: Path) -> int:
    """Keep every checkpoint of the corpus; their number."""
    found: dict[str, list[Any]] = {}
    for name, function in PROGRAMS.items():
        kept = found.setdefault(name, [])

        def keep(turn: Turn, kept: list[Any] = kept) -> None:
            if isinstance(turn.awaited, Scripted):
                *place, text, blobs = turn.stored
                kept.append([turn.position, encode(turn.awaited).text, [*place, text, dict(blobs)]])

        run_machine(function, SCRIPT, *fresh(arguments(function)), watch=keep)
    file.write_text(json.dumps(found))
    return sum(map(len, found.values()))


def read(file: Path) -> Iterator[str]:
    """Make a turn from every checkpoint; what differs."""
    for name, kept in json.loads(file.read_text()).items():
        function = PROGRAMS[name]
        machine = compile_function(function)
        plain = run_plain(function, SCRIPT, *fresh(arguments(function)))
        for position, awaited, (state, line, text, blobs) in kept:
            turn = Turn(machine, (state, line, text, blobs), SCRIPT, position, decode(awaited))
            found, expected = _made(turn, plain.filename), _turns(plain)[position + 1]
            if found != expected:
                yield f"{name}, after await {position}:\n  CPython     {expected}\n  the machine {found}"


def _made(turn: Turn, filename: str) -> list[object]:
    """The effects of one turn, up to the next await or the end."""
    with recording() as effects:
        trace = Trace(filename, effects)
        try:
            match turn.run():
                case Suspended(checkpoint, awaited):
                    trace.awaits(checkpoint.line, {}, awaited)
                    return effects
                case Finished(value):
                    trace.returned(value)
                case Failed(error):
                    trace.raised(error)
        except BaseException as error:
            trace.raised(error)
        return [*effects, trace.ending]


def _turns(trace: Trace) -> list[list[object]]:
    """The effects of a whole execution, cut behind each await."""
    turns: list[list[object]] = [[]]
    for effect in trace.effects:
        turns[-1].append(effect)
        if isinstance(effect, tuple) and effect[0] == "await":
            turns.append([])
    turns[-1].append(trace.ending)
    return turns


def main(verb: str, file: Path) -> int:
    """1 when anything differs."""
    if verb == "write":
        print(f"{sys.version.split()[0]} wrote {write(file)} checkpoints", flush=True)
        return 0
    differences = list(read(file))
    print("\n".join(differences), flush=True)
    print(f"{sys.version.split()[0]} read them: {len(differences)} turns differ", flush=True)
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
