"""Celery's rules for canvases, run by Celery and by durableflow.

``scenarios`` say what canvases come to, ``deviations`` where Celery does not keep to that; ``tasks`` is the app.
``celery_side`` and ``durable_side`` play them (``playing``): all are started at once, on one worker, then collected.
``generated`` makes canvases up, and ``model`` says what those come to. ``table`` makes the page of the docs.
"""
