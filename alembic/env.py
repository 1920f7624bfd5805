"""Alembic's entry to durableflow's revisions; see ``alembic.ini``. The database: ``DURABLEFLOW_DATABASE_URL``."""

import os
import sys

from alembic import context
from sqlalchemy import NullPool, create_engine, make_url

from durableflow.migrations.environment import OPTIONS, prepare
from durableflow.store.schema import SCHEMA

url = os.environ.get("DURABLEFLOW_DATABASE_URL")
if url is None:
    sys.exit("alembic: set DURABLEFLOW_DATABASE_URL to the database to work on")
address = make_url(url).set(drivername="postgresql+psycopg")

if context.is_offline_mode():
    context.configure(url=address, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        context.run_migrations()
else:
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection, connection.begin():
        prepare(connection)
        context.configure(connection=connection, **OPTIONS)
        with context.begin_transaction():
            context.run_migrations()
