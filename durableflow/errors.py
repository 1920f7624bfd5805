"""Every error that durableflow raises, in one tree.

::

    DurableFlowError
    ├── ConfigurationError          settings that cannot work, found at start
    │   ├── DatabaseUnreachable
    │   ├── BrokerUnreachable
    │   ├── SchemaMissing           `durableflow migrate` was never run on this database
    │   ├── SchemaOutdated          ... or not since the last upgrade of the package
    │   ├── SchemaNewer             the database was migrated by a newer durableflow
    │   └── DevStackError           the embedded PostgreSQL or Valkey cannot run here
    │       ├── ServerNotInstalled  its wheel is missing
    │       └── StateDirectoryInUse another stack runs on the same state directory
    ├── DefinitionError             found when a decorator runs
    │   ├── WorkflowDefinitionError a construct that cannot be compiled (file, line, caret, way out)
    │   └── DuplicateDefinition
    ├── UnknownDefinition           a name that nothing registered
    │   ├── UnknownWorkflow
    │   ├── UnknownStep
    │   ├── UnknownTask             a task of a canvas that the Celery app does not have
    │   └── UnknownSchedule
    ├── CallError                   a call that is used where it cannot be
    │   ├── NotAwaited              a forgotten await
    │   ├── OutsideWorkflow         an await where no workflow is running
    │   └── OutsideStep             ``current`` where no step is running
    ├── ValueRefused                a value that cannot cross the boundary
    │   ├── InvalidInput            start input that does not fit the workflow's parameters
    │   ├── InvalidEvent            an event that is not what is waited for
    │   ├── NotStorable             a value (or part of one) without a stored form
    │   ├── ValueTooLarge
    │   └── CorruptValue            a stored text that is not what the codec writes
    ├── RunError                    about one run
    │   ├── RunNotFound
    │   ├── RunConflict             the key is taken by a run with other input
    │   ├── RunEnded                it takes no events any more
    │   ├── RunFailed
    │   ├── RunCancelled
    │   ├── RunStuck                the workflow's own code kept crashing or hanging its worker
    │   ├── DeadlineExceeded
    │   └── ResultTimeout           also a TimeoutError
    ├── StepError                   about one step; raised at the workflow's await
    │   ├── StepLost                its worker died too many times
    │   ├── StepTimedOut
    │   ├── StepCancelled           it was cancelled, or its child run was
    │   └── StepRaised              the step's own exception, where that one has no stored form
    └── SimulationError             about a test with durableflow.testing
        ├── Stuck                   nothing can happen any more, and a run has not ended
        └── NotMocked               a step has no mock where it needs one, or its mock has no more outcomes

A message says what was wrong, where, and what to do next; none carries a password.
"""


class DurableFlowError(Exception):
    """The base of all of durableflow's errors."""


class ConfigurationError(DurableFlowError):
    """A setting cannot work."""


class DatabaseUnreachable(ConfigurationError):
    """No PostgreSQL answers at the configured address."""


class BrokerUnreachable(ConfigurationError):
    """No broker answers at the configured address."""


class SchemaMissing(ConfigurationError):
    """The database has no durableflow schema: run ``durableflow migrate``."""


class SchemaOutdated(ConfigurationError):
    """The database is at an older revision than this code: run ``durableflow migrate``."""


class SchemaNewer(ConfigurationError):
    """The database is at a revision that this code does not know: upgrade durableflow."""


class DevStackError(ConfigurationError):
    """An embedded server cannot run here."""


class ServerNotInstalled(DevStackError):
    """The package that brings an embedded server is missing: install ``durableflow[dev-servers]``."""


class StateDirectoryInUse(DevStackError):
    """Another stack runs on the same state directory."""


class DefinitionError(DurableFlowError):
    """A definition cannot be accepted."""


class WorkflowDefinitionError(DefinitionError):
    """A workflow's source holds something that cannot be compiled."""


class DuplicateDefinition(DefinitionError):
    """Two definitions claim the same name."""


class UnknownDefinition(DurableFlowError):
    """Nothing is registered under a name."""


class UnknownWorkflow(UnknownDefinition):
    """No workflow is registered under a name."""


class UnknownStep(UnknownDefinition):
    """No step is registered under a name."""


class UnknownTask(UnknownDefinition):
    """A canvas names a task that the Celery app does not have."""


class UnknownSchedule(UnknownDefinition):
    """No workflow has a schedule of that name."""


class CallError(DurableFlowError):
    """A call is used where it cannot be."""


class NotAwaited(CallError):
    """A call was used or dropped without being awaited."""


class OutsideWorkflow(CallError):
    """Something that only a workflow can do was done outside of one."""


class OutsideStep(CallError):
    """Something that only a step can know was asked for outside of one."""


class ValueRefused(DurableFlowError):
    """A value cannot cross the boundary between Python and the database."""


class InvalidInput(ValueRefused):
    """The input given to a workflow does not fit its parameters."""


class InvalidEvent(ValueRefused):
    """An event's name or payload is not what the workflow waits for."""


class NotStorable(ValueRefused):
    """A value has no stored form; the message holds the path to it."""


class ValueTooLarge(ValueRefused):
    """A value's stored form is larger than the configured limit."""


class CorruptValue(ValueRefused):
    """A stored text is not something that the codec writes."""


class RunError(DurableFlowError):
    """Something is wrong with one run."""


class RunNotFound(RunError):
    """No run has this id."""


class RunConflict(RunError):
    """The key already names a run of this workflow that has other input."""


class RunEnded(RunError):
    """The run has ended, and takes no events any more."""


class RunFailed(RunError):
    """The run failed; ``__cause__`` is the workflow's own exception."""


class RunCancelled(RunError):
    """The run was cancelled."""


class RunStuck(RunError):
    """The workflow's code between two awaits kept crashing or hanging the worker that ran it."""


class DeadlineExceeded(RunError):
    """The run was still going at its deadline."""


class ResultTimeout(RunError, TimeoutError):
    """The run did not finish while ``result(timeout=...)`` waited. The run itself goes on."""


class StepError(DurableFlowError):
    """A step ended without a result, for a reason that is not an exception of its own."""


class StepLost(StepError):
    """The step's worker died each time that the step was tried."""


class StepTimedOut(StepError):
    """The step ran longer than its time limit."""


class StepCancelled(StepError):
    """What is awaited was cancelled: by the workflow that began it, or, of a child run, by somebody else."""


class StepRaised(StepError):
    """The step raised an exception that has no stored form; the message holds its type and text."""


class SimulationError(DurableFlowError):
    """A simulation cannot do what a test asks of it."""


class Stuck(SimulationError):
    """Nothing can happen any more in a simulation, and a run has not ended."""


class NotMocked(SimulationError):
    """A simulated step has no mock where it needs one, or its mock has no more outcomes."""
