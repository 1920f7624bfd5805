"""Embedded PostgreSQL and Valkey, and a supervisor for a whole development stack. No Docker, no root, no setup."""

from durableflow.devstack.postgres import PostgresServer
from durableflow.devstack.supervisor import Devstack
from durableflow.devstack.valkey import ValkeyServer

__all__ = ["Devstack", "PostgresServer", "ValkeyServer"]
