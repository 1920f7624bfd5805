"""A loop of a model and its tools. Each thought and each use of a tool is a step: paid for once, whatever is killed."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from durableflow import DurableFlow, Retry, Step, approval
from examples.agent.model import Choice, choose

df = DurableFlow("assistant")

MOST = 20
"""Choices until the assistant is stopped."""

DISK = {"march.log": 40, "april.log": 2, "thesis.txt": 9}
"""What the tools work on: megabytes, by name. A fixed one, so that the example has no world of its own."""


@dataclass(frozen=True)
class Turn:
    """What was chosen, and what came of it."""

    choice: Choice
    came_of_it: str


class Permit(BaseModel):
    """What a person says to the use of a dangerous tool."""

    granted: bool
    reason: str = ""


class NoAnswer(Exception):
    """The model went on for too long."""


@df.step(retry=Retry(max_attempts=5, backoff=1.0, on=(ConnectionError,)), timeout=timedelta(minutes=2))
def think(goal: str, turns: list[Turn]) -> Choice:
    """Ask the model what to do next. This one is a few rules; put yours here."""
    return choose(goal, [(turn.choice, turn.came_of_it) for turn in turns])


@df.step
def list_files(about: str) -> str:
    """A tool: the files whose names end so."""
    return ", ".join(name for name in DISK if name.endswith(about))


@df.step
def size_of(name: str) -> str:
    """A tool: the size of a file. It fails where there is none, and the model is told."""
    return f"{DISK[name]} MB"


@df.step
def delete(name: str) -> str:
    """A tool that nobody can take back."""
    return f"{name} is deleted"


TOOLS: dict[str, Step[[str], str]] = {"list_files": list_files, "size_of": size_of, "delete": delete}
DANGEROUS = {"delete"}


@df.workflow
async def assist(goal: str, patience: timedelta = timedelta(days=2)) -> str:
    """Let the model use its tools until it answers. patience: how long a person may take to permit something."""
    turns: list[Turn] = []
    while len(turns) < MOST:
        choice = await think(goal, turns)
        if choice.tool == "answer":
            return choice.argument
        turns.append(Turn(choice, await used(choice, len(turns), patience)))
    raise NoAnswer(f"{goal}: {MOST} turns, and no answer")


@df.routine
async def used(choice: Choice, number: int, patience: timedelta) -> str:
    """Use a tool, if that is permitted; gives what the model is told of it. number: of the turn."""
    if choice.tool in DANGEROUS:
        try:  # a name for each: a second click on the first permit must not be the second permit
            permit = await approval(f"permit {number}: {choice.tool} {choice.argument}", Permit, timeout=patience)
        except TimeoutError:
            return "nobody has permitted it"
        if not permit.form.granted:
            return f"{permit.by} has forbidden it: {permit.form.reason}"
    try:
        return await TOOLS[choice.tool](choice.argument)
    except Exception as error:
        return f"it failed: {error!r}"
