"""In place of a language model: a few rules that choose as one would."""

from dataclasses import dataclass

Past = list[tuple["Choice", str]]


@dataclass(frozen=True)
class Choice:
    """What to do next: a tool with its argument, or the tool ``answer``."""

    tool: str
    argument: str


def choose(goal: str, past: Past) -> Choice:
    """The next choice, for a goal such as "make room"; past: what was chosen before, and what came of it."""
    if not past:
        return Choice("list_files", ".log")
    files = past[0][1].split(", ")
    tried = [choice.argument for choice, _ in past if choice.tool == "size_of"]
    for file in files:
        if file not in tried:
            return Choice("size_of", file)
    largest = max(zip(files, past[1:], strict=False), key=lambda each: int(each[1][1].split()[0]))[0]
    last, came_of_it = past[-1]
    return Choice("answer", came_of_it) if last.tool == "delete" else Choice("delete", largest)
