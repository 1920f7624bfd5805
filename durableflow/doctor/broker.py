"""Whether there is a broker that all processes can reach."""

from collections.abc import Iterator

from durableflow.doctor.finding import Finding, NotMade, danger
from durableflow.doctor.patient import Patient

_IN_PROCESS = ("memory", "filesystem")


def broker(patient: Patient) -> Iterator[Finding]:
    """The broker answers."""
    patient.conf  # noqa: B018 - without settings there is no broker to look for, and that is told elsewhere
    try:
        kind = patient.broker_kind
        patient.ask_broker(lambda _: None)
    except NotMade as why:
        yield danger(
            "no broker answers",
            f"runs that are started wait in PostgreSQL, other tasks cannot be sent: {why}",
            "start it, or correct DURABLEFLOW_BROKER_URL, or the broker_url of the Celery app",
        )
        return
    if kind in _IN_PROCESS:
        yield danger(
            f"the broker is kombu's {kind} transport",
            "its messages do not reach workers on other machines, or not even other processes",
            "use Redis, Valkey, RabbitMQ, or PostgreSQL with pgmq",
        )
