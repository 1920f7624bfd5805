"""The same canvases under the same faults: by Celery alone, and by ``durable(...)``.

``app`` is a Celery application as it might be anywhere, ``immortal`` that application with the line that adopts it.
``canvases`` and ``faults`` are data; ``stage`` has the servers, the workers and the journal; ``sides`` are the ways to
run a canvas. ``python -m tests.fire`` plays every canvas with every fault on every side, and writes what came of it
into ``docs/concepts/celery-under-fire.md``; the tests play a part of it, and hold it against that page.
"""
