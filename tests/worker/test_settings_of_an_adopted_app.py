"""Adopting an app gives it what is safe for durable tasks, and leaves alone whatever it has chosen."""

import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest
from celery import Celery, signals

from durableflow import DurableFlow
from durableflow.worker.settings import REDIS

Configure = Callable[[Celery], object]


def app(**chosen: object) -> Celery:
    return Celery("legacy", set_as_current=False, **chosen)


def test_an_app_that_has_chosen_nothing_prefetches_one_message_and_outlives_a_long_step() -> None:
    plain, adopted = app(broker="amqp://"), app(broker="amqp://")
    DurableFlow(adopted)
    before = dict(plain.conf.items())
    differing = {name for name, value in adopted.conf.items() if before[name] != value}
    assert differing == {"worker_prefetch_multiplier", "worker_proc_alive_timeout", "broker_channel_error_retry"}
    assert adopted.conf.worker_prefetch_multiplier == 1
    assert plain.conf.worker_prefetch_multiplier == 4  # the defaults of others are not ours
    for name in differing:
        assert not adopted.conf.value_set_for(name)  # a default, and no choice


def test_an_app_that_would_rather_end_when_rabbitmq_closes_its_channel_ends() -> None:
    chosen = app(broker="amqp://", broker_channel_error_retry=False)
    DurableFlow(chosen)
    assert chosen.conf.broker_channel_error_retry is False


def test_the_task_options_of_an_app_are_its_own_and_those_of_durable_tasks_are_safe() -> None:
    adopted = app(broker="memory://")
    df = DurableFlow(adopted)

    @adopted.task(name="theirs")
    def their_own() -> None: ...

    @df.step
    def ours() -> None: ...

    adopted.finalize()
    safe, theirs = adopted.tasks["legacy.ours"], adopted.tasks["theirs"]
    assert (safe.acks_late, safe.reject_on_worker_lost, safe.ignore_result) == (True, True, True)
    assert safe.serializer == "json"
    assert (theirs.acks_late, theirs.reject_on_worker_lost, theirs.ignore_result) == (False, None, False)


def update(adopted: Celery) -> None:
    adopted.conf.update(worker_prefetch_multiplier=8)


def attribute(adopted: Celery) -> None:
    adopted.conf.worker_prefetch_multiplier = 8


def from_object(adopted: Celery) -> None:
    adopted.config_from_object(SimpleNamespace(worker_prefetch_multiplier=8))


def from_old_names(adopted: Celery) -> None:
    adopted.config_from_object(SimpleNamespace(CELERYD_PREFETCH_MULTIPLIER=8, CELERY_ACKS_LATE=True))


def from_namespace(adopted: Celery) -> None:
    module = ModuleType("settings_of_a_django_project")
    module.CELERY_WORKER_PREFETCH_MULTIPLIER = 8  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    adopted.config_from_object(module.__name__, namespace="CELERY")


def defaults(adopted: Celery) -> None:
    adopted.add_defaults({"worker_prefetch_multiplier": 8})


def on_configure(adopted: Celery) -> None:
    adopted.on_configure.connect(lambda sender, **_: sender.conf.update(worker_prefetch_multiplier=8), weak=False)


@pytest.mark.parametrize("read", [False, True], ids=["not read yet", "read before"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("choose", [update, attribute, from_object, from_old_names, from_namespace, defaults])
def test_what_an_app_has_chosen_counts_however_and_whenever_it_does(choose: Configure, when: str, read: bool) -> None:
    adopted = app()
    if when == "before":
        choose(adopted)
    if read:
        adopted.conf.task_acks_late  # noqa: B018 - whoever reads a setting ends the time of pending ones
    DurableFlow(adopted)
    if when == "after":
        choose(adopted)
    assert adopted.conf.worker_prefetch_multiplier == 8


def test_what_the_constructor_was_given_or_a_hook_chooses_counts() -> None:
    given, hooked = app(worker_prefetch_multiplier=8), app()
    on_configure(hooked)
    for adopted in (given, hooked):
        DurableFlow(adopted)
        assert adopted.conf.worker_prefetch_multiplier == 8


@pytest.mark.parametrize("configure", [from_old_names, from_namespace])
def test_an_app_with_old_names_or_a_namespace_prefetches_one_message_where_it_names_no_number(
    configure: Configure,
) -> None:
    adopted = app()
    configure(adopted)
    source = adopted._config_source
    settings = sys.modules[source] if isinstance(source, str) else source
    for name in ("CELERYD_PREFETCH_MULTIPLIER", "CELERY_WORKER_PREFETCH_MULTIPLIER"):
        if hasattr(settings, name):
            delattr(settings, name)
    DurableFlow(adopted)
    assert adopted.conf.worker_prefetch_multiplier == 1


def test_settings_that_were_read_before_the_adoption_get_the_transport_too() -> None:
    adopted = app(broker="redis://nowhere")
    assert adopted.conf.broker_url == "redis://nowhere"
    DurableFlow(adopted)
    assert adopted.conf.broker_transport == REDIS
    adopted.config_from_object(SimpleNamespace(broker_url="amqp://elsewhere"), force=True)
    assert adopted.conf.worker_prefetch_multiplier == 1  # settings that are read again are adopted again


def test_a_transport_that_the_app_has_chosen_stays() -> None:
    adopted = app(broker="redis://nowhere", broker_transport="redis")
    DurableFlow(adopted)
    assert adopted.conf.broker_transport == "redis"


def test_a_broker_that_is_named_late_is_seen_when_a_worker_starts() -> None:
    adopted = app(broker="redis://nowhere")
    DurableFlow(adopted)
    assert adopted.conf.broker_transport == REDIS
    adopted.conf.broker_url = "amqp://elsewhere"
    signals.worker_init.send(sender=adopted.Worker)  # a class with an attribute `app`, as a worker has
    assert adopted.conf.broker_transport is None


def test_a_configuration_that_cannot_be_read_is_told_each_time_and_leaves_no_wrong_queue_behind() -> None:
    adopted = app(task_default_queue="theirs")
    adopted.config_from_object("there.is.no.such.module")
    df = DurableFlow(adopted, database="postgresql://nowhere")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            df.settings  # noqa: B018
    adopted.config_from_object(SimpleNamespace())
    assert df.settings.queue == "theirs"
