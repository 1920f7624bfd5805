"""What is dangerous in the surroundings of an application, and how to mend it: ``durableflow doctor``.

Durable runs are safe from much that a Celery application suffers from: they need no visibility timeout, no result
backend, no broker that keeps its data. They do need a PostgreSQL that keeps what it has confirmed, workers for their
queues, and one secret key; and the other tasks of an adopted application are as safe as Celery makes them. The doctor
looks at all of this from where it is run, with the settings that a worker there would have.

It looks, and changes nothing: its transactions are read-only, and it publishes and declares nothing. It waits for no
server for longer than a few seconds. What it could not look at, it says; a check that was not made is no good news.

::

    examination.py      the checks, one after the other   ->   Examination
    patient.py          the application, its database, its broker: each asked with patience, and given up once
    application.py other_tasks.py               checks of the Celery app
    redis.py                                    of a broker on Redis
    postgres.py connections.py pooler.py        of the database
    clocks.py                                   of all three machines
    workers.py queues.py work.py                of what the tables say
"""

from durableflow.doctor.examination import Checked, Examination, examine
from durableflow.doctor.finding import Finding, Severity

__all__ = ["Checked", "Examination", "Finding", "Severity", "examine"]
