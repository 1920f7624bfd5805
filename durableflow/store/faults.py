"""Which database errors pass by themselves, and what to do about them."""

import psycopg
from psycopg import errors

_RETRY_ON_THIS_CONNECTION = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_PASSING = (
    errors.OperationalError,  # includes admin shutdown, "the database system is starting up", a broken socket
    errors.InterfaceError,
    errors.InsufficientResources,
    errors.OperatorIntervention,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,  # a failover in which we still talk to the old primary
)
# OperationalErrors to psycopg, but what is too large for the server now is too large for it later.
_LASTING = (
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.TooManyColumns,
    errors.TooManyArguments,
)


def is_transient(error: BaseException) -> bool:
    """True: the same statement may succeed if it is tried again, perhaps on a new connection."""
    return isinstance(error, (*_RETRY_ON_THIS_CONNECTION, *_PASSING)) and not isinstance(error, _LASTING)


def lost_connection(error: BaseException, conn: "psycopg.Connection[tuple[object, ...]]") -> bool:
    """True: the connection cannot be used any more, and whether the statement landed is not known."""
    return (
        conn.closed or conn.broken or (isinstance(error, _PASSING) and not isinstance(error, _RETRY_ON_THIS_CONNECTION))
    )
