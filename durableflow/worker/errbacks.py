"""What a step that answers a failure is told of it, as Celery tells its errbacks."""

from celery.app.task import Context
from celery.exceptions import ChordError

from durableflow import codec
from durableflow.codec import Encoded
from durableflow.errors import CorruptValue
from durableflow.language.options import load
from durableflow.language.results import encode_failure
from durableflow.language.storable import Given, Told
from durableflow.store.claim import given
from durableflow.store.errbacks import Failure, failure, named
from durableflow.store.messages import StepId
from durableflow.worker.runtime import Runtime


def task_id(step: StepId, options: str | None) -> str:
    """What a task is known by to Celery, for all of its attempts: the id that the canvas gave it, or the step's own."""
    said = None if options is None or '"sending"' not in options else load(options).sending
    return str(step) if said is None or said.task_id is None else said.task_id


def chord_error(cause: object, step: StepId, options: str | None = None) -> Encoded:
    """The error of a chord's body, one of whose header has failed."""
    return encode_failure(_chord_error(cause, task_id(step, options)))


def _chord_error(cause: object, failed: str) -> ChordError:
    error = ChordError(f"Dependency {failed} raised {cause!r}")
    error.__cause__ = cause if isinstance(cause, BaseException) else None
    return error


def failure_told(runtime: Runtime, step: StepId, answers: tuple[int, ...]) -> Told:
    """What reads the input of a step that answers the failure of one of ``answers``. Raises CorruptValue."""
    failed = runtime.connections.transact(lambda conn: failure(conn, step, answers))
    if failed is None:
        raise CorruptValue(f"{step} answers a failure, and none of the steps {list(answers)[:20]} has failed")
    return Told(lambda what, body: _tell(runtime, failed, what, body))


def _tell(runtime: Runtime, failed: Failure, what: str, body: int | None) -> object:
    run_id = failed.step.run_id
    if what == "error":
        error = codec.decode(failed.error, blobs=runtime.large_values(run_id, failed.error))
        return error if body is None else _chord_error(error, task_id(failed.step, failed.options))
    if what == "traceback":
        return failed.traceback if body is None else None
    if body is None:
        name, options, step = failed.name, failed.options, failed.step
    else:
        step = StepId(run_id, failed.step.rev, body)
        found = runtime.connections.transact(lambda conn: named(conn, step))
        if found is None:
            raise CorruptValue(f"there is no step {step}, in whose name a failure is answered")
        name, options = found
    if what == "id":
        return task_id(step, options)
    return _request(runtime, failed, name, step, options, own=body is None)


def _request(runtime: Runtime, failed: Failure, name: str, step: StepId, options: str | None, *, own: bool) -> Context:
    args, kwargs = _arguments(runtime, failed) if own else ([], {})
    said = load(options).sending
    return Context(
        {
            "id": task_id(step, options),
            "task": name,
            "args": args,
            "kwargs": kwargs,
            "retries": max(failed.failures - 1, 0) if own else 0,
            "root_id": str(step.run_id),
            "is_eager": False,
            "called_directly": False,
            "delivery_info": {},
            **(said.request if said is not None else {}),
        }
    )


def _arguments(runtime: Runtime, failed: Failure) -> tuple[object, object]:
    extensions: tuple[codec.Extension, ...] = ()
    run_id = failed.step.run_id
    if failed.sources:
        texts = runtime.connections.transact(lambda conn: given(conn, failed.step, failed.sources))
        results = {index: codec.decode(text, blobs=runtime.large_values(run_id, text)) for index, text in texts.items()}
        extensions = (Given(results),)
    input_: object = codec.decode(failed.input, blobs=runtime.large_values(run_id, failed.input), extensions=extensions)
    if not isinstance(input_, dict):
        raise CorruptValue(f"the input of {failed.name} is not one: {failed.input[:200]}")
    return input_.get("args"), input_.get("kwargs")
