"""Steps and mocked children: which outcome an attempt gets, and what becomes of the step after it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from durableflow import codec
from durableflow.errors import CorruptValue, NotMocked, StepLost
from durableflow.language import Step, Workflow
from durableflow.language.options import Options
from durableflow.language.registry import find
from durableflow.language.results import encode_failure
from durableflow.testing.executing import Ended, Executor, options_of, verdict_on
from durableflow.testing.mocks import Call, Mock, Planned
from durableflow.testing.state import StepRecord, Work
from durableflow.worker.replacing import child_in_place

if TYPE_CHECKING:
    from durableflow.testing.engine import Engine


class Tasks:
    """mocks: by name; strict: whether every step needs one."""

    def __init__(self, engine: "Engine", mocks: dict[str, Mock], strict: bool) -> None:
        self._engine = engine
        self._mocks = mocks
        self._strict = strict
        self._limit = engine.settings.max_value_bytes
        self._executor = Executor(self._limit)

    def reserve(self, work: Work) -> Call | None:
        """The outcomes of this call, where its step or child workflow is mocked."""
        mock = self._mocks.get(work.spec.name) if work.spec.kind in ("task", "child") else None
        return None if mock is None else Call(mock)

    def begin(self, work: Work) -> None:
        """Begin an attempt of a step, or the only one of a mocked child."""
        if not work.is_open:
            return
        if work.spec.kind == "child":
            self._child(work)
            return
        step = find(work.spec.name, work.run.definition.registry)
        assert isinstance(step, Step)
        work.state = "running"
        work.attempt += 1
        now = self._engine.now
        name = work.run.short(step.name)
        work.record = StepRecord(name, (), {}, work.attempt, "running", now)
        work.run.records.append(work.record)
        options = options_of(work, step)
        try:
            work.record.args, work.record.kwargs = self._executor.arguments(work)
        except CorruptValue as error:
            self._end(work, Ended(0.0, error=error), options)
            return
        self._wait(work, self._executor.attempt(work, self._planned(work, step), options), options)

    def _planned(self, work: Work, step: Step[..., Any]) -> Planned:
        if work.call is not None:
            return work.call.next()
        if self._strict:
            assert work.record is not None
            raise NotMocked(
                f"{work.record.call} has no mock, and in this simulation every step needs one: "
                f"sim.mock({step.name!r}, returns=...)"
            )
        return Planned(function=step.function)

    def _wait(self, work: Work, ended: Ended, options: Options) -> None:
        """Have the attempt end when its time is over."""
        if ended.seconds is None:
            return
        if not ended.seconds:
            self._end(work, ended, options)
            return
        until = self._engine.now + timedelta(seconds=ended.seconds)
        self._engine.agenda.at(until, lambda: self._end(work, ended, options))

    def _end(self, work: Work, ended: Ended, options: Options) -> None:
        record = work.record
        assert record is not None
        record.ended_at = self._engine.now
        if ended.lost:
            record.outcome = "lost"
            self._lost(work)
        elif ended.error is not None:
            record.outcome = "failed"
            self._failed(work, record, ended.error, options)
        elif ended.replaced is not None:
            self._replaced(work, record, ended.replaced, options)
        else:
            assert ended.output is not None
            work.run.values.update(ended.output.blobs)
            record.outcome, record.result = "succeeded", work.run.decode(ended.output.text)
            self._engine.end(work, "succeeded", ended.output)

    def _failed(self, work: Work, record: StepRecord, error: BaseException, options: Options) -> None:
        work.failures += 1
        verdict = verdict_on(error, options, work.failures)
        record.error = verdict.error
        if verdict.delay is not None and not work.abandoned:
            work.state = "ready"
            due = self._engine.now + timedelta(seconds=verdict.delay)
            work.due_at, work.alarm = due, self._engine.agenda.at(due, lambda: self.begin(work))
            return
        self._engine.end(work, "failed", encode_failure(verdict.error, limit=self._limit))

    def _replaced(self, work: Work, record: StepRecord, sig: Any, options: Options) -> None:
        run = work.run
        try:
            child = child_in_place(run.definition.registry, sig.app, sig, run.queue)
        except Exception as unfit:
            record.outcome = "failed"
            self._failed(work, record, unfit, options)
            return
        record.outcome = "replaced"
        self._engine.replace(work, child)

    def _lost(self, work: Work) -> None:
        work.losses += 1
        if work.abandoned:
            work.state = "cancelled"
        elif work.losses < self._engine.settings.max_losses:
            work.state = "ready"
            work.alarm = self._engine.agenda.soon(lambda: self.begin(work))
        else:
            times = "once" if work.losses == 1 else f"{work.losses} times"
            error = StepLost(f"step {work.spec.name} lost its worker {times}: it is not tried again")
            self._engine.end(work, "failed", codec.encode(error))

    # --- mocked children

    def _child(self, work: Work) -> None:
        child = work.spec.child
        assert child is not None
        assert work.call is not None
        workflow = find(child.workflow, work.run.definition.registry)
        assert isinstance(workflow, Workflow)
        bound = workflow.signature.full.bind_partial()
        arguments: Any = codec.decode(child.input.text, blobs=child.input.blobs)
        bound.arguments.update(arguments)
        ended = self._executor.carry_out(work.call.next(), bound.args, bound.kwargs, child.workflow)
        if ended.seconds is None:
            return
        until = self._engine.now + timedelta(seconds=ended.seconds)
        work.alarm = self._engine.agenda.at(until, lambda: self._child_ends(work, ended))

    def _child_ends(self, work: Work, ended: Ended) -> None:
        if ended.error is not None:
            error = encode_failure(ended.error, limit=self._limit)
            self._engine.end_child(work, "failed", error)
        else:
            assert ended.output is not None
            self._engine.end_child(work, "succeeded", ended.output)
