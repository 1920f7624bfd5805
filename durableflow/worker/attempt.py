"""An attempt of a step, as one straight pipeline: claim, decode, run, turn, commit, publish.

Celery's tracer stands in the middle of it: ``trace_attempt`` wraps the tracer and claims before it, so that prerun
signals, ``before_start`` and the body see the real arguments, and a stale message ends without any of them; the end of
the body is committed inside of the tracer, by ``Attempt.execute``, so that ``task_success`` tells of what is stored.

What can go wrong, and who is in charge then:

- the body raises: ``retry_later`` or ``fail_for_good``, by the step's policy; Celery is told Retry, or the failure;
- somebody else holds the step by now (we were frozen, and declared dead): fenced; nothing is written or launched;
- the database is away: the commit is tried again in place under the same token; after a minute the attempt is left to
  recovery, which finds a ``running`` row that no child executes;
- the broker is away: the steward publishes what is in ``ready``;
- the process dies: its parent, or the leader, gives the step back.
"""

import functools
import logging
import os
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

import psycopg
from billiard.einfo import ExceptionInfo
from celery import signals, states
from celery.app.task import Context
from celery.app.trace import TraceInfo, trace_ok_t
from celery.exceptions import Ignore, Retry, TaskRevokedError

from durableflow import codec
from durableflow.errors import CorruptValue, StepRaised
from durableflow.language import Step, Workflow
from durableflow.language.attempts import Attempt as Current
from durableflow.language.attempts import executing
from durableflow.language.frames import found, routines_of
from durableflow.language.options import Options, load
from durableflow.language.outcomes import Outcome
from durableflow.language.results import described, encode_failure
from durableflow.language.storable import Given
from durableflow.language.turn import Defaults, Stored, Suspend, turn
from durableflow.store.claim import Claimed, claim, given, is_wanted
from durableflow.store.complete import (
    Recorded,
    complete_alone,
    complete_inner,
    complete_joined,
    complete_outcome,
    was_completed,
)
from durableflow.store.fail import AS_BEFORE, Again, Failed, fail_for_good, retry_later
from durableflow.store.faults import is_transient
from durableflow.store.launch import INNER, WAKES
from durableflow.store.messages import Message, StepId, advance_message
from durableflow.store.replace import replace, was_replaced
from durableflow.store.successor import Turn
from durableflow.worker import green, telling
from durableflow.worker.asking import NothingToSend, Replaced
from durableflow.worker.body import run_body
from durableflow.worker.connections import Connection
from durableflow.worker.errbacks import failure_told, task_id
from durableflow.worker.replacing import replacement
from durableflow.worker.runtime import Runtime
from durableflow.worker.shield import body_limit, shielded, turn_limit
from durableflow.worker.verdict import is_termination, judge

T = TypeVar("T")

_log = logging.getLogger(__name__)

_CLAIM_PATIENCE = 10.0
"""Seconds for which a claim is tried again: the row stays ready, so there is no point in insisting."""

_TRACEBACK_LIMIT = 20_000
"""Characters of a traceback that are kept, its end: that is where the error is."""

_here: ContextVar["Attempt | None"] = ContextVar("durableflow_worker_attempt", default=None)


def active() -> "Attempt | None":
    """The attempt that Celery is tracing in this context."""
    return _here.get()


def trace_attempt(
    runtime: Runtime, task: Any, trace: Callable[..., trace_ok_t], subject: str, request: dict[str, Any]
) -> trace_ok_t:
    """Execute one message of a step: see the module. Gives what a tracer gives.

    To Celery's hooks and signals the task is known by an id that is the same for all of its attempts, as everywhere in
    Celery; the message's own tells one dispatch from the next, and ends with the consumer.
    """
    try:
        with shielded():
            claimed = _claim(runtime, StepId.parse(subject))
    except (ValueError, TypeError, AttributeError):
        return _ignored(f"{subject!r} does not name a step")
    except psycopg.Error as error:
        _log.warning("cannot claim %s %s, the message is dropped: %s", task.name, subject, error)
        return _ignored("the database is away; the step will be dispatched again")
    if claimed is None:
        return _ignored("stale: the step is taken, over, or not due")
    attempt = Attempt(runtime, task, claimed)
    attempt.decode()
    args, kwargs = attempt.arguments
    request.update(attempt.request, args=args, kwargs=kwargs)
    if claimed.expired:
        return attempt.expire(request)
    token = _here.set(attempt)
    try:
        traced = trace(request["id"], args, kwargs, request)
        attempt.settle(traced)
    finally:
        _here.reset(token)
    return traced


class Attempt:
    """One claim of a step that is ours, until it is settled: its end is recorded, or it was left to recovery."""

    def __init__(self, runtime: Runtime, task: Any, claimed: Claimed) -> None:
        self.runtime = runtime
        self.task = task
        self.claimed = claimed
        self.begun = False
        self.asked: Retry | None = None
        self.arguments: tuple[list[Any], dict[str, Any]] = ([], {})
        self._settled = False
        self._refused: Exception | None = None

    def decode(self) -> None:
        """Read the body's arguments. What cannot be decoded fails the attempt where the body would begin."""
        claimed = self.claimed
        if claimed.name != self.task.name:  # a message that was tampered with: the row is the truth
            self._refused = StepRaised(f"the message asked for {self.task.name}, but this step is {claimed.name}")
            return
        try:
            stored = self.runtime.large_values(claimed.step.run_id, claimed.input)
            input_: Any = codec.decode(claimed.input, blobs=stored, extensions=self._named_in_input())
            self.arguments = input_["args"], input_["kwargs"]
        except CorruptValue as error:
            self._refused = error
        except (TypeError, KeyError) as error:
            self._refused = CorruptValue(f"the input of {claimed.name} is not one: {described(error)}")

    @functools.cached_property
    def request(self) -> dict[str, Any]:
        """What this attempt knows better than its message: fields of the task's request."""
        said = self.options.sending
        given = {} if said is None else said.request
        key = task_id(self.claimed.step, self.claimed.options)
        return {**given, "id": key, "correlation_id": key, "retries": self.claimed.failures}

    def expire(self, request: dict[str, Any]) -> trace_ok_t:
        """End the step: it came too late to begin. Celery calls this a revoked task."""
        task, key = self.task, request["id"]
        try:
            with shielded():
                self._fail(TaskRevokedError("expired"))
        except Exception as told:
            _log.info("Discarding revoked task: %s[%s]: %s", task.name, key, described(told))
        context = Context(request)
        task.backend.mark_as_revoked(key, "expired", request=context, store_result=not task.ignore_result)
        signals.task_revoked.send(sender=task, request=context, terminated=False, signum=None, expired=True)
        return _ignored("expired")

    def _named_in_input(self) -> tuple[codec.Extension, ...]:
        """What stands in the input where ``later`` named the result of another step, or its failure is told."""
        claimed = self.claimed
        told: tuple[codec.Extension, ...] = ()
        if claimed.answers:
            told = (failure_told(self.runtime, claimed.step, tuple(claimed.answers)),)
        if not claimed.sources:
            return told
        runtime, run_id = self.runtime, claimed.step.run_id
        texts = claimed.results
        if texts is None:
            texts = runtime.connections.transact(lambda conn: given(conn, claimed.step, claimed.sources))
        results = {index: codec.decode(text, blobs=runtime.large_values(run_id, text)) for index, text in texts.items()}
        return (*told, Given(results))

    def execute(self, body: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run the body and record how it ended. Gives its value; raises what Celery is to be told."""
        self.begun = True
        try:
            value = self._run(body, args, kwargs)
            output = codec.encode(
                value, where=f"{self.claimed.name} result", limit=self.runtime.settings.max_value_bytes
            )
        except Replaced as replaced:
            with shielded():
                self._replace(replaced)
        except Ignore:
            value, output = None, codec.encode(None)
        except (Exception, SystemExit) as error:
            if is_termination(error):
                raise
            with shielded():
                self._fail(error)
        with shielded():
            self._succeed(value, output)
        return value

    def settle(self, traced: trace_ok_t) -> None:
        """After the trace: an attempt whose body was never reached (``before_start`` raised) fails like any other."""
        if self._settled:
            return
        error = traced.info.retval if traced.info is not None else None
        if not isinstance(error, Exception):
            error = StepRaised(f"Celery ended {self.claimed.name} before its body ran")
        try:
            with shielded():
                self._fail(error)
        except Exception as told:
            _log.info("%s %s: %s", self.claimed.name, self.claimed.step, described(told))

    def _run(self, body: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if self._refused is not None:
            raise self._refused
        claimed = self.claimed
        step = claimed.step
        key = claimed.idempotency_key
        me = Current(step.run_id, claimed.name, claimed.attempt, key, step.rev, step.index, self._is_wanted)
        telling.started(claimed)
        value: Any = None
        with executing(me), body_limit(self.options.timeout), self.runtime.host.surrounding():
            value = run_body(body, args, kwargs)
        if self.asked is not None:  # retry(throw=False)
            raise self.asked
        return value

    def _is_wanted(self) -> bool:
        claimed = self.claimed
        return self.runtime.connections.transact(lambda conn: is_wanted(conn, claimed.step, claimed.token))

    def _succeed(self, value: Any, output: codec.Encoded) -> None:
        turn = self._turn(output)
        try:
            recorded = self._commit(output, turn)
        except psycopg.Error as error:
            self._fail(StepRaised(f"the result could not be recorded: {described(error)}"))
        if recorded is None:
            raise self._fenced()
        messages = [*recorded.messages, *(recorded.moved.messages if recorded.moved is not None else ())]
        if recorded.wakes:
            messages.append(self._advance())
        self.runtime.publisher.publish(messages)
        telling.succeeded(self.runtime, self.claimed, value, turn if recorded.moved is not None else None)

    def _replace(self, replaced: Replaced) -> NoReturn:
        """Let a canvas take the place of this attempt, as a child run."""
        step, token = self.claimed.step, self.claimed.token
        try:
            spec = replacement(self.runtime, self.claimed, replaced.sig)
        except Exception as unfit:
            self._fail(unfit)

        def again(conn: Connection) -> list[Message] | None:
            return [] if was_replaced(conn, step, spec) else replace(conn, step, token, spec)

        messages = self._write(lambda conn: replace(conn, step, token, spec), again)
        if messages is None:
            self._write_end_of_abandoned()
            raise self._fenced()
        self.runtime.publisher.publish(messages)
        raise replaced

    def _write_end_of_abandoned(self) -> None:
        """Where nobody waits for the step any more, it ends here; where somebody else has it, this changes nothing."""
        self._commit(codec.encode(None), None)

    def _turn(self, output: codec.Encoded) -> Turn | None:
        """The run's next checkpoint, computed in memory. None: leave it to ``durableflow.advance``, which counts tries:
        this worker lacks the workflow's code, siblings are awaited too, or the code crashed."""
        claimed = self.claimed
        standing = claimed.standing
        if standing is None:
            return None
        registry, step = self.runtime.registry, claimed.step
        definition = registry.get(claimed.workflow, claimed.version)
        if not isinstance(definition, Step | Workflow):
            return None
        routines = {needed: registry.get(*needed) for needed in routines_of(standing.frames)}
        if None in routines.values():
            return None
        try:
            stored = self.runtime.large_values(step.run_id, standing.variables)
            with turn_limit():
                turned = turn(
                    definition,
                    Stored(step.rev, *standing.checkpoint),
                    {(step.rev, step.index): Outcome("succeeded", output.text)},
                    blobs={**stored, **output.blobs},
                    find=lambda name, version: found(routines, name, version),
                    defaults=Defaults(claimed.run_queue, claimed.run_priority, self.runtime.settings.max_value_bytes),
                )
            # A run that ends while something that it began may be under way is left to durableflow.advance.
            return None if standing.opens and not isinstance(turned, Suspend) else turned
        except BaseException as error:
            _log.warning("the turn after %s is left to durableflow.advance: %s", claimed.step, described(error))
            return None

    def _commit(self, output: codec.Encoded, turn: Turn | None) -> Recorded | None:
        step, token = self.claimed.step, self.claimed.token

        def commit(conn: Connection) -> Recorded | None:
            shard, feeds = self.claimed.shard, self.claimed.feeds
            if shard == INNER:
                return complete_inner(conn, step, token, output)
            if shard is not None and shard != WAKES:
                return complete_joined(conn, step, token, output, feeds=feeds, gated=self.claimed.gated)
            if turn is None:
                return complete_outcome(conn, step, token, output, feeds=feeds)
            return complete_alone(conn, step, token, output, turn)

        def commit_again(conn: Connection) -> Recorded | None:
            if was_completed(conn, step, token):
                return Recorded(None, True)  # what to publish was lost with the reply: have the run looked at
            return commit(conn)

        return self._write(commit, commit_again)

    def _fail(self, error: BaseException) -> NoReturn:
        """Record the failure, and raise what Celery is to be told of it."""
        verdict = judge(error, self.options, self.claimed.failures + 1, self.task.max_retries)
        step, token = self.claimed.step, self.claimed.token
        again = None if verdict.delay is None else self._asked_for(error)
        stored = encode_failure(verdict.error, limit=self.runtime.settings.max_value_bytes)
        text = "".join(traceback.format_exception(error))[-_TRACEBACK_LIMIT:]

        def record(conn: Connection) -> Failed | None:
            failed = None
            if verdict.delay is not None:
                failed = retry_later(
                    conn, step, token, stored, traceback=text, delay=verdict.delay, again=again or AS_BEFORE
                )
            return failed or fail_for_good(conn, step, token, stored, traceback=text)  # abandoned: no retry

        failed = self._write(record, record)
        if failed is None:
            raise self._fenced() from error
        self.runtime.publisher.publish([*failed.messages, *([self._advance()] if failed.wakes else [])])
        if failed.final:
            telling.failed(self.claimed, verdict.error, text, awaited=failed.wakes)
            raise verdict.told
        telling.retrying(self.claimed, verdict.error, text, verdict.delay or 0.0)
        raise Retry(exc=verdict.error, when=verdict.delay) from error

    def _asked_for(self, error: BaseException) -> Again | None:
        """What the task wants to be different, where ``self.retry(args=..., queue=...)`` says so."""
        asked = error.sig if isinstance(error, Retry) else None
        if not isinstance(asked, NothingToSend) or not (asked.changed or asked.queue):
            return None
        if not asked.changed:
            return Again(queue=asked.queue)
        limit = self.runtime.settings.max_value_bytes
        input_ = {"args": list(asked.args or ()), "kwargs": dict(asked.kwargs or {})}
        return Again(codec.encode(input_, where=self.claimed.name, limit=limit), asked.queue)

    def _write(self, work: Callable[[Connection], T], again: Callable[[Connection], T]) -> T:
        """Write the attempt's end. After this it is settled, in one way or another.

        Raises psycopg.Error where the database refuses it for good; Ignore, after a long time, where it is away.
        """
        self._settled = True
        transact = self.runtime.connections.transact
        try:
            try:
                return transact(work, again=again)
            except green.timeouts():  # Celery's hard limit of a greenlet: the work was done by then
                return transact(again, again=again)
        except psycopg.Error as error:
            if not is_transient(error):
                raise
            _log.error("%s %s is left to recovery: %s", self.claimed.name, self.claimed.step, error)
            raise Ignore(f"the end of {self.claimed.step} could not be recorded") from error

    def _fenced(self) -> Ignore:
        _log.warning("%s %s was given to another attempt: this one is fenced", self.claimed.name, self.claimed.step)
        return Ignore("fenced")

    @functools.cached_property
    def options(self) -> Options:
        """The step's options, with those of this call in front."""
        defaults: Options = self.task.durable_step.defaults
        if self.claimed.options is None or self.claimed.options == "{}":
            return defaults
        try:
            return load(self.claimed.options).over(defaults)
        except CorruptValue as error:
            _log.error("%s %s: its own options are ignored: %s", self.claimed.name, self.claimed.step, error)
            return defaults

    def _advance(self) -> Message:
        claimed = self.claimed
        return advance_message(claimed.step.run_id, claimed.run_queue, claimed.run_priority)


def _claim(runtime: Runtime, step: StepId) -> Claimed | None:
    token, boot, pid = uuid4(), runtime.boot, os.getpid()
    return runtime.connections.transact(
        lambda conn: claim(conn, step, token, boot=boot, pid=pid),
        again=lambda conn: claim(conn, step, token, boot=boot, pid=pid, repeated=True),
        patience=_CLAIM_PATIENCE,
    )


def _ignored(reason: str) -> trace_ok_t:
    """The message is acknowledged, and neither signals nor results tell of it."""
    try:
        raise Ignore(reason)
    except Ignore as ignore:
        return trace_ok_t(ExceptionInfo(internal=True), TraceInfo(states.IGNORED, ignore), 0.0, None)
