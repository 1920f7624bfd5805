"""A state table, drawn."""

from durableflow.machine.machine import Machine
from durableflow.machine.outcome import State


def graph_text(machine: Machine) -> str:
    """The state table as text, one line a state: number, line, kind, what it does, where it goes."""
    header = f"{machine.name}@{machine.version}: {len(machine.states)} states"
    wide = max(len(state.kind) for state in machine.states)
    digits = len(str(len(machine.states)))
    last = len(str(max(state.line for state in machine.states)))
    lines = [header]
    for state in machine.states:
        ways = " -> " + ", ".join(str(number) for number in state.successors) if state.successors else ""
        errors = (
            f"   (error -> {state.on_error})"
            if state.on_error is not None and state.kind not in ("start", "leave")
            else ""
        )
        label = f"  {state.label}" if state.label else ""
        lines.append(
            f"{state.number:>{digits}}  line {state.line:<{last}}  {state.kind:<{wide}}{label}{ways}{errors}".rstrip()
        )
    return "\n".join(lines) + "\n"


def graph_mermaid(machine: Machine) -> str:
    """The state table as a Mermaid flowchart. Ways that only an exception takes are dotted."""
    lines = ["flowchart TD"]
    lines += [f"    s{state.number}{_shape(state)}" for state in machine.states]
    for state in machine.states:
        for index, number in enumerate(state.successors):
            answer = (
                ("|yes|" if index == 0 else "|no|")
                if state.kind in ("branch", "loop") and len(state.successors) == 2
                else ""
            )
            lines.append(f"    s{state.number} -->{answer} s{number}")
        if state.on_error is not None and state.kind in ("await", "run", "raise", "handler", "finally"):
            lines.append(f"    s{state.number} -.-> s{state.on_error}")
    return "\n".join(lines) + "\n"


def _shape(state: State) -> str:
    text = _escaped(f"{state.number} · line {state.line}<br/>{state.kind} {_escaped(state.label)}".strip())
    match state.kind:
        case "await":
            return f'(["{text}"])'
        case "branch" | "loop":
            return f'{{"{text}"}}'
        case "handler" | "finally":
            return f'[/"{text}"/]'
    return f'["{text}"]'


def _escaped(text: str) -> str:
    for character, entity in (('"', "#quot;"), ("<br/>", "\0"), ("<", "#lt;"), (">", "#gt;"), ("\0", "<br/>")):
        text = text.replace(character, entity)
    return text
