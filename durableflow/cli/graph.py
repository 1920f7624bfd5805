"""``durableflow graph``: a workflow or routine as the state machine that it was compiled to."""

from typing import Annotated

import typer

from durableflow.cli.loading import load_compiled


def graph(
    workflow: Annotated[
        str, typer.Argument(metavar="MODULE:WORKFLOW", help="The workflow or routine, such as shop:checkout")
    ],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As a Mermaid state diagram")] = False,
) -> None:
    """Print the states of a workflow or routine and the ways between them."""
    from durableflow.machine import graph_mermaid, graph_text

    machine = load_compiled(workflow).machine
    typer.echo(graph_mermaid(machine) if mermaid else graph_text(machine))
