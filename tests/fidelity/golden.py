"""The versions and state tables that the corpus compiles to: the same on every Python, and no surprise to stored runs.

A change of either parks the runs of everybody's old versions, so it is made on purpose: after it, run
``python -m tests.fidelity.golden`` and look at the difference.
"""

import json
from pathlib import Path

from durableflow.machine import compile_function
from tests.fidelity.corpus.programs import PROGRAMS

FILE = Path(__file__).with_name("golden.json")


def compiled() -> dict[str, list[str]]:
    """Compile the corpus: name -> version and fingerprint."""
    machines = {name: compile_function(function) for name, function in PROGRAMS.items()}
    return {name: [machine.version, machine.fingerprint] for name, machine in machines.items()}


def recorded() -> dict[str, list[str]]:
    """What was compiled when the file was written."""
    return dict(json.loads(FILE.read_text()))


if __name__ == "__main__":
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(pair)}" for name, pair in sorted(compiled().items()))
    FILE.write_text("{\n" + lines + "\n}\n")
