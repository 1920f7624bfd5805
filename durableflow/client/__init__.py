"""The facade: an application's definitions and runs, over PostgreSQL."""

from durableflow.client.awaiting import result_of, started
from durableflow.client.database import Database
from durableflow.client.facade import Client, Publish
from durableflow.client.schedules import Schedule
from durableflow.language.handle import Run

__all__ = ["Client", "Database", "Publish", "Run", "Schedule", "result_of", "started"]
