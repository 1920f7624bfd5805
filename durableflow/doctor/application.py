"""Checks of the application's own settings: those of durableflow, and those of its Celery app."""

from collections.abc import Iterator

import celery

from durableflow.doctor.finding import DoesNotApply, Finding, NotMade, danger, note, warning
from durableflow.doctor.patient import Patient
from durableflow.errors import ConfigurationError
from durableflow.worker.settings import REDIS, transport_for

_SHORT_KEY = 16


def settings(patient: Patient) -> Iterator[Finding]:
    """Both sets of settings can be read."""
    try:
        patient.flow.settings.require_database()
        patient.conf  # noqa: B018 - reads them
    except ConfigurationError as error:
        yield danger(
            "durableflow's settings cannot be used",
            str(error),
            "correct the DURABLEFLOW_ variable, or what DurableFlow(...) is given",
        )
    except Exception as error:  # an adopted app's are read for the name of its queue: whatever its module raises
        why = str(error) if isinstance(error, NotMade) else patient.said(error)
        yield danger(
            "the settings of the Celery app cannot be read",
            f"{why}: no worker starts",
            "correct what the app is configured with",
        )


def imports(patient: Patient) -> Iterator[Finding]:
    """What workers import at their start can be imported; afterwards, the app's tasks are known here."""
    patient.conf  # noqa: B018 - what to import is a setting
    try:
        patient.app.loader.import_default_modules()
        patient.app.finalize()
    except Exception as error:  # whatever a module of the user's raises
        yield danger(
            "what the workers import cannot be imported",
            f"{patient.said(error)}: workers with this code do not start, and this examination may not know all tasks",
            "run `durableflow worker` with this code, and mend what its traceback shows",
        )


def celery_version(patient: Patient) -> Iterator[Finding]:
    """Celery is not the release whose workers end with their broker."""
    if celery.__version__ == "5.7.0":
        yield danger(
            "Celery 5.7.0 is installed",
            "its workers end with an AttributeError when their broker is killed while a message with a countdown is "
            "not acknowledged",
            "install another release: pip install 'celery>=5.5,!=5.7.0'",
        )


def secret_key(patient: Patient) -> Iterator[Finding]:
    """There is a key that signs workflow versions."""
    key = patient.settings.secret_key
    if key is None:
        yield danger(
            "there is no secret key",
            "the source of workflow versions is not signed: after the next deploy, runs of changed workflows are "
            "parked until a worker with their old code is there",
            "give every process the same DURABLEFLOW_SECRET_KEY: "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    elif len(key.get_secret_value()) < _SHORT_KEY:
        yield warning(
            "the secret key is short",
            f"it has fewer than {_SHORT_KEY} characters: whoever can write to the database might guess it, and have "
            "code run by the workers",
            "make a long one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )


def accept_content(patient: Patient) -> Iterator[Finding]:
    """Workers accept JSON."""
    accepted = set(patient.conf.accept_content or ())
    if not {"json", "application/json"} & accepted:
        yield danger(
            "the Celery app does not accept JSON",
            f"durableflow's messages are JSON, and accept_content is {sorted(map(str, accepted))}: a worker refuses to "
            "start",
            "add 'json' to accept_content",
        )
    if {"pickle", "application/x-python-serialize"} & accepted:
        yield warning(
            "the Celery app accepts pickle",
            "whoever can write to the broker can have code run by the workers; durable tasks do not need it",
            "take 'pickle' out of accept_content as soon as no other task uses it",
        )


def eager(patient: Patient) -> Iterator[Finding]:
    """Tasks go through the broker."""
    if patient.conf.task_always_eager:
        yield danger(
            "task_always_eager is on",
            "a task that is sent runs at once in the process that sends it, in a step too, and is no task of a worker; "
            "durable steps go through the broker all the same",
            "unset task_always_eager outside of tests; durableflow.testing runs workflows without a broker",
        )


def prefetch(patient: Patient) -> Iterator[Finding]:
    """A worker takes no more messages than it can run."""
    multiplier = patient.conf.worker_prefetch_multiplier
    if multiplier == 1:
        return
    much = "as many messages as there are" if not multiplier else f"{multiplier} messages for each of its processes"
    yield warning(
        f"worker_prefetch_multiplier is {multiplier}",
        f"a worker takes {much} from the broker: those that wait behind a long task cannot run on an idle worker",
        "take the setting out, so that durableflow's default of 1 applies, or start workers with "
        "--prefetch-multiplier 1",
    )


def transport(patient: Patient) -> Iterator[Finding]:
    """On Redis, messages travel by durableflow's transport."""
    url, transport = patient.conf.broker_url, patient.conf.broker_transport
    urls = [url] if isinstance(url, str) else list(url or ())
    if not any(transport_for(str(each)) for each in urls):
        raise DoesNotApply
    if transport != REDIS:
        why = f"broker_transport is {transport!r}" if transport else "broker_url is a list"
        yield warning(
            "messages travel by kombu's own Redis transport",
            f"{why}: durable messages cost two more round trips each, and wait for the visibility timeout where "
            "a worker dies, until they are published again",
            f"set broker_transport to {REDIS!r}, or take the setting out and write broker_url as one text, with "
            "alternatives separated by semicolons",
        )


def result_backend(patient: Patient) -> Iterator[Finding]:
    """No result backend is needed."""
    if patient.conf.result_backend:
        yield note(
            "there is a result backend",
            "durable tasks do not use it: their results are in PostgreSQL",
            "keep it for the other tasks, if any of them is asked for its result",
        )
