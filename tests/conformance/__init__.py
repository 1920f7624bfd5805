"""Celery's rules for canvases, run by Celery and by durableflow.

``scenarios`` says what a canvas is to come to, ``tasks`` is the application, ``side`` runs all of them at once on either
engine, ``table`` makes ``docs/reference/canvas-conformance.md``; ``generated`` makes canvases up.
"""
