"""The machine: compiles an ``async def`` to a state table and runs it from checkpoint to checkpoint. Pure: no
database, no Celery."""

from durableflow.machine.graph import graph_mermaid, graph_text
from durableflow.machine.machine import Machine, compile_function, compile_stored
from durableflow.machine.outcome import Checkpoint, Error, Failed, Finished, State, Suspended, Value
from durableflow.machine.source import StoredSource

__all__ = [
    "Checkpoint",
    "Error",
    "Failed",
    "Finished",
    "Machine",
    "State",
    "StoredSource",
    "Suspended",
    "Value",
    "compile_function",
    "compile_stored",
    "graph_mermaid",
    "graph_text",
]
