"""``durableflow start``: start a run from a shell."""

import json
from typing import Annotated, Any

import typer

from durableflow.cli.loading import load_workflow
from durableflow.cli.mistake import Mistake


def start(
    workflow: Annotated[str, typer.Argument(metavar="MODULE:WORKFLOW", help="The workflow, such as shop:checkout")],
    input_: Annotated[
        str, typer.Option("--input", metavar="JSON", help="An object: arguments by name. A list: by position")
    ] = "{}",
    key: Annotated[str | None, typer.Option(help="Your name of the run: the same key is the same run")] = None,
) -> None:
    """Start a run, and print its id."""
    args, kwargs = _arguments(input_)
    definition = load_workflow(workflow)
    try:
        call = definition(*args, **kwargs)
    except TypeError as refused:
        raise Mistake(f"{workflow} does not take this input: {refused}") from None
    typer.echo(str(call.start(key=key).id))


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Mistake(f"--input is not JSON: {error}") from None
    if isinstance(value, dict):
        return [], value
    return (value if isinstance(value, list) else [value]), {}
