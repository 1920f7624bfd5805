"""The engine in memory: what workers, the leader and PostgreSQL do for a run, one thing after the other.

It has the states of the tables and the verbs of `store`, and none of their reasons: nothing runs beside it, so that
nothing is fenced, leased or looked at twice. What is to be done at one time is done in the order in which it came up:
steps that are launched together begin one after the other, before the run looks at how the first of them ended.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from durableflow import codec
from durableflow.config import Settings
from durableflow.errors import DeadlineExceeded, StepCancelled
from durableflow.language import Definition, Named, Workflow
from durableflow.language.outcomes import TooEarly
from durableflow.language.registry import find
from durableflow.language.specs import ChildSpec, StepSpec
from durableflow.language.turn import Defaults, Fail, Finish, Stored, Suspend, awaited_places, turn
from durableflow.store.messages import StepId
from durableflow.store.start import NewRun
from durableflow.testing.agenda import Agenda
from durableflow.testing.mocks import Mock
from durableflow.testing.receiving import receive_events
from durableflow.testing.state import Execution, Work
from durableflow.testing.tasks import Tasks
from durableflow.worker.errbacks import chord_error


class Engine:
    """All runs of a simulation. runs: those that were started by hand and those that others started, in order; mocks,
    strict: see Tasks."""

    def __init__(self, agenda: Agenda, settings: Settings, mocks: dict[str, Mock], strict: bool) -> None:
        self.agenda = agenda
        self.settings = settings
        self.runs: list[Execution] = []
        self._ends = 0
        self._tasks = Tasks(self, mocks, strict)

    # --- runs

    def start(self, new: NewRun, definition: Definition) -> Execution:
        """Begin a run that somebody started."""
        values = {**new.input.blobs, **new.variables.blobs}
        first = Stored(0, new.state, new.line, new.variables.text, None)
        run = Execution(new.id, definition, new.queue, new.priority, [first], values, new.input_digest)
        self.runs.append(run)
        if new.deadline is not None:
            at = new.deadline if isinstance(new.deadline, datetime) else self.agenda.now + new.deadline
            run.alarm = self.agenda.at(at, lambda: self._too_late(run))
        self.look_soon(run)
        return run

    def cancel(self, run: Execution) -> bool:
        """Cancel a run. False: it had ended."""
        if run.state != "running":
            return False
        self._abandon(run.works.values(), ends=True)
        self._end(run, "cancelled")
        return True

    def look_soon(self, run: Execution) -> None:
        """Have a run looked at, after what is to be done now already."""
        if not run.looks:
            run.looks = True
            self.agenda.soon(lambda: self._look(run))

    def tick(self) -> float:
        """The place of something that happens now among all that happened."""
        self._ends += 1
        return float(self._ends)

    def _too_late(self, run: Execution) -> None:
        if run.state == "running":
            error = DeadlineExceeded(f"run {run.id} was still going at its deadline")
            self._commit(run, Fail(codec.encode(error, where="error")))

    def _look(self, run: Execution) -> None:
        run.looks = False
        if run.state != "running":
            return
        checkpoint = run.checkpoints[-1]
        receive_events(self, run, checkpoint)
        wanted = [*(work.place for work in run.launched.get(checkpoint.rev, ())), *awaited_places(checkpoint)]
        outcomes = {place: run.works[place].outcome() for place in wanted if place in run.works}
        texts = [text for ended in outcomes.values() for text in (ended.output, ended.error)]
        registry = run.definition.registry

        def routine(name: str, _version: str) -> Named:
            return find(name, registry)

        try:
            turned = turn(
                run.definition,
                checkpoint,
                outcomes,
                blobs=run.needed(checkpoint.variables, *texts),
                find=routine,
                defaults=Defaults(run.queue, run.priority, self.settings.max_value_bytes),
            )
        except TooEarly:
            return
        self._commit(run, turned)

    def _commit(self, run: Execution, turned: Suspend | Finish | Fail) -> None:
        if isinstance(turned, Suspend):
            self._suspend(run, turned)
            return
        self._abandon(run.works.values(), ends=True)
        value = turned.output if isinstance(turned, Finish) else turned.error
        run.values.update(value.blobs)
        if isinstance(turned, Finish):
            run.output = value.text
        else:
            run.error = value.text
        self._end(run, "succeeded" if isinstance(turned, Finish) else "failed")

    def _end(self, run: Execution, state: str) -> None:
        run.state = state
        if run.alarm is not None:
            run.alarm.drop()
        parent = run.parent
        if parent is not None:
            self.agenda.soon(lambda: self._child_ended(parent, run))

    # --- from one await to the next

    def _suspend(self, run: Execution, turned: Suspend) -> None:
        self._abandon(run.works[place] for place in turned.cancels if place in run.works)
        left = run.checkpoints[-1].rev
        self._abandon(work for work in run.launched.get(left, ()) if not work.spec.begun)
        rev = left + 1
        run.checkpoints.append(
            Stored(rev, turned.state, turned.line, turned.variables.text, turned.awaits, turned.frames, turned.opens)
        )
        run.values.update(turned.variables.blobs)
        run.joins[rev] = sum(spec.role == "joined" for spec in turned.steps)
        for spec in turned.steps:
            run.values.update(spec.input.blobs)
        launched = [self._launch(run, rev, spec) for spec in turned.steps]
        for work in launched:
            if work.spec.answers:
                continue
            if work.spec.held:
                run.queues.setdefault((rev, work.spec.gate or 0), []).append(work)
            elif not work.needs:
                self._begin(work)
        if (
            turned.over
            or turned.listens
            or any(not run.works[place].is_open for place in turned.outside if place in run.works)
        ):
            self.look_soon(run)

    def _launch(self, run: Execution, rev: int, spec: StepSpec) -> Work:
        work = Work(run, rev, spec, "pending", self.agenda.now, needs=len(spec.needs))
        run.works[work.place] = work
        run.launched.setdefault(rev, []).append(work)
        work.call = self._tasks.reserve(work)
        if spec.until is not None or spec.delay is not None:
            work.due_at = spec.until or self.agenda.now + timedelta(seconds=spec.delay or 0.0)
        if spec.child is not None and work.call is None:
            work.child = self._child(work, spec.child)
        return work

    def replace(self, work: Work, child: ChildSpec) -> None:
        """A task has replaced itself: the step is a child run from now on."""
        if work.abandoned:
            work.state = "cancelled"
            return
        work.state, work.spec = "pending", replace(work.spec, kind="child", child=child)
        work.child = self._child(work, child)
        self.look_soon(work.child)

    def _child(self, work: Work, child: ChildSpec) -> Execution:
        definition = find(child.workflow, work.run.definition.registry)
        assert isinstance(definition, Workflow)
        first = Stored(0, child.state, child.line, child.variables.text, None)
        values = {**child.input.blobs, **child.variables.blobs}
        run = Execution(child.id, definition, child.queue, work.spec.priority, [first], values, parent=work)
        self.runs.append(run)
        work.run.children.append(run)
        return run

    def _begin(self, work: Work) -> None:
        """What was launched may go on now: nothing keeps it back any more."""
        kind, due_at = work.spec.kind, work.due_at
        if work.child is not None:
            self.look_soon(work.child)
        elif kind in ("task", "child"):
            work.state = "ready" if kind == "task" else "pending"
            work.due_at = work.spec.until or self.agenda.now + timedelta(seconds=work.spec.delay or 0.0)
            work.alarm = self.agenda.at(work.due_at, lambda: self._tasks.begin(work))
        elif due_at is not None:
            work.alarm = self.agenda.at(due_at, lambda: self._time_is_over(work))

    def _time_is_over(self, work: Work) -> None:
        if work.spec.kind == "timer":
            self.end(work, "succeeded", codec.encode(None))
        else:
            work.due = self.tick()
            self.look_soon(work.run)

    # --- ends of steps

    def end(self, work: Work, state: str, value: codec.Encoded, order: float | None = None) -> None:
        """A step has succeeded or failed: record it, and have happen what follows from that. order: see Work."""
        run, spec = work.run, work.spec
        work.state = state
        if work.abandoned:
            return
        work.order = self.tick() if order is None else order
        run.values.update(value.blobs)
        if state == "succeeded":
            work.output = value.text
            for index in spec.feeds:
                self._nearer(run.works[work.rev, index])
        else:
            work.error = value.text
            self._spread(work)
        self._next_in_turn(work)
        if spec.role == "joined":
            run.joins[work.rev] -= 1
            if state == "succeeded" and run.joins[work.rev]:
                return
        if spec.role != "inner" or state == "failed":
            self.look_soon(run)

    def _spread(self, work: Work) -> None:
        """All that needs a failed step fails with its error, a chord's body with a ChordError, and what answers it
        begins."""
        run = work.run
        errors = {work.spec.index: work.error or ""}
        for doomed in _doomed(work):
            error = next(errors[index] for index in doomed.spec.needs if index in errors)
            if '"chorded"' in doomed.spec.options:
                failed = StepId(run.id, work.rev, next(index for index in doomed.spec.needs if index in errors))
                error = chord_error(run.decode(error), failed).text
            errors[doomed.spec.index] = error
            doomed.state, doomed.error, doomed.order = "failed", error, self.tick()
            run.joins[work.rev] -= doomed.spec.role == "joined"
        for index in work.spec.errbacks:
            answer = run.works[work.rev, index]
            if answer.is_open and answer.state == "pending" and answer.alarm is None:
                self._begin(answer)

    def _nearer(self, work: Work) -> None:
        work.needs -= 1
        if not work.needs and work.is_open:
            self._begin(work)

    def _next_in_turn(self, work: Work) -> None:
        waiting = work.run.queues.get((work.rev, work.spec.gate or 0))
        if waiting:
            self._begin(waiting.pop(0))

    def _child_ended(self, work: Work, child: Execution) -> None:
        run = work.run
        if run.state != "running" or not work.is_open:
            return
        text = child.output if child.state == "succeeded" else child.error
        if text is None:
            outcome = codec.encode(StepCancelled(f"the child run {child.id} of {child.name} was cancelled"))
        else:
            outcome = codec.Encoded(text, child.needed(text))
        self.end(work, "succeeded" if child.state == "succeeded" else "failed", outcome)
        if child.state != "succeeded" and '"fails"' in work.spec.options:
            self._commit(run, Fail(outcome))

    def end_child(self, work: Work, state: str, value: codec.Encoded) -> None:
        """A child that was mocked has ended."""
        self.end(work, state, value)
        if state == "failed" and '"fails"' in work.spec.options and work.run.state == "running":
            self._commit(work.run, Fail(value))

    def _abandon(self, works: Iterable[Work], *, ends: bool = False) -> None:
        """Stop waiting for steps. ends: because their run does."""
        for work in list(works):
            if not work.is_open:
                continue
            running = work.state == "running"
            work.abandoned, work.order = True, self.tick()
            waiting = work.run.queues.get((work.rev, work.spec.gate or 0), [])
            if work in waiting:
                waiting.remove(work)
            if not running:
                work.state = "cancelled"
                if work.alarm is not None:
                    work.alarm.drop()
            child = work.child
            if child is not None and not (ends and '"leaves"' in work.spec.options):
                self.agenda.soon(lambda child=child: self.cancel(child))  # type: ignore[misc]

    def open_steps(self, run: Execution) -> list[Work]:
        """The steps that the run's present await looks at, and that have not ended."""
        checkpoint = run.checkpoints[-1]
        works = [work for work in run.launched.get(checkpoint.rev, ()) if not work.spec.begun]
        works += [run.works[place] for place in awaited_places(checkpoint) if place in run.works]
        return [work for work in works if work.is_open]

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return self.agenda.now


def _doomed(work: Work) -> Iterator[Work]:
    """The steps that need this one, also by way of others. What a step feeds has a larger index than itself."""
    indexes = set(work.spec.feeds)
    while indexes:
        index = min(indexes)
        indexes.remove(index)
        fed = work.run.works[work.rev, index]
        if fed.is_open:
            yield fed
        indexes.update(fed.spec.feeds)
