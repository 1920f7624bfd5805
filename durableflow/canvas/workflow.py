"""The workflow that every canvas is a run of."""

from typing import Any

from durableflow.canvas.describe import Description
from durableflow.canvas.plan import plan
from durableflow.language import Call, Registry, Workflow


async def canvas(canvas: str, document: str) -> Any:
    return await plan(document)


def canvas_workflow(registry: Registry) -> Workflow[..., Any]:
    """The workflow ``<app>.canvas`` of an application, which it has from the first time that it is asked for."""
    name = registry.name_of(canvas)
    present = registry.present(name)
    if isinstance(present, Workflow):
        return present
    workflow: Workflow[..., Any] = Workflow(canvas, name, registry)
    registry.add(workflow)
    return workflow


def canvas_call(registry: Registry, description: Description) -> Call[Any]:
    """The call of a canvas: a run of it, or a step in a workflow."""
    return canvas_workflow(registry)(description.text, description.document)
