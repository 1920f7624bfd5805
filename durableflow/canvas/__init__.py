"""Celery's canvases as runs: any tree of signatures becomes a graph of steps that one checkpoint launches.

``describe`` reads a signature, with Celery's rules, into a *document*: JSON that says which tasks there are, in which
order, with which arguments and options. The workflow ``<app>.canvas`` awaits the graph that ``plan`` makes of it. From
there on nothing is special: the results of steps begin the steps that need them, in the transactions that record them.
"""

from durableflow.canvas import storable as storable  # registers the stored forms
from durableflow.canvas.describe import Description, describe
from durableflow.canvas.plan import single
from durableflow.canvas.workflow import canvas_call, canvas_workflow

__all__ = ["Description", "canvas_call", "canvas_workflow", "describe", "single"]
