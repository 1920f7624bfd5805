"""The table of checks, in the order in which they are made and shown.

``imports`` comes before whatever looks at the app's tasks.
"""

from durableflow.doctor import (
    application,
    broker,
    clocks,
    connections,
    other_tasks,
    pooler,
    postgres,
    queues,
    redis,
    work,
    workers,
)
from durableflow.doctor.finding import Check

CHECKS = (
    Check("settings", "Can the settings be read?", application.settings),
    Check("imports", "Can workers import what they need?", application.imports),
    Check("celery", "Is this a sound release of Celery?", application.celery_version),
    Check("secret-key", "Is there a secret key?", application.secret_key),
    Check("accept-content", "Do workers accept JSON?", application.accept_content),
    Check("eager", "Do tasks go through the broker?", application.eager),
    Check("prefetch", "Does a worker take no more than it can run?", application.prefetch),
    Check("result-backend", "Is a result backend needed?", application.result_backend),
    Check("broker", "Does the broker answer?", broker.broker),
    Check("transport", "Is the Redis transport durableflow's?", application.transport),
    Check("redis-writable", "Does Redis take messages?", redis.writable),
    Check("redis-eviction", "Does Redis keep queues when it is full?", redis.eviction),
    Check("redis-memory", "Has Redis room?", redis.memory),
    Check("redis-persistence", "Does Redis keep messages over a restart?", redis.persistence),
    Check(
        "visibility-timeout", "Are other tasks done before Redis delivers them again?", other_tasks.visibility_timeout
    ),
    Check(
        "consumer-timeout", "Are other tasks done before RabbitMQ delivers them again?", other_tasks.consumer_timeout
    ),
    Check("broker-clock", "Do this machine and Redis agree about the time?", clocks.broker_clock),
    Check("database", "Does the database answer?", postgres.database),
    Check("schema", "Is the database migrated?", postgres.schema),
    Check("primary", "Does PostgreSQL take writes?", postgres.primary),
    Check("durability", "Is on the disk what PostgreSQL confirms?", postgres.durability),
    Check("isolation", "Are transactions READ COMMITTED?", postgres.isolation),
    Check("role-timeouts", "Are transactions left to end?", postgres.role_timeouts),
    Check("pooler", "Do sessions keep what is done in them?", pooler.pooler),
    Check("way-in", "Can workers connect?", pooler.way_in),
    Check("connections", "Are there connections for all workers?", connections.max_connections),
    Check("database-clock", "Do this machine and PostgreSQL agree about the time?", clocks.database_clock),
    Check("workers", "Are there workers with this code?", workers.workers),
    Check("seen-in-the-future", "Are signs of life of the past?", workers.seen_in_the_future),
    Check("queues", "Does somebody consume every queue?", queues.queues),
    Check("unknown-tasks", "Does somebody know every task that waits?", work.unknown_tasks),
    Check("signed-versions", "Can every run go on?", work.signed_versions),
    Check("parked", "Is no run parked?", work.parked),
    Check("dead-letters", "Has no step used up its attempts?", work.dead_letters),
)
"""Every check."""
