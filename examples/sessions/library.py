"""A lending library. Its steps use one session of SQLAlchemy's a thread, and never close it: a signal does.

What a step leaves open would go on into the next one of its process: a transaction that keeps its locks and its old
snapshot, an error that the session has not been rolled back from, and half of what a failed attempt had meant to write,
which the next commit would write. Celery tells ``task_postrun`` at the end of every attempt, whatever came of it, also
of tasks that are no steps. (With Django it is ``django.db.close_old_connections`` and a rollback that belong there.)
"""

import os
from typing import Any

import psycopg
from celery.signals import task_postrun
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from durableflow import DurableFlow, Retry, current

df = DurableFlow("library")


def connect() -> psycopg.Connection[Any]:
    """The library's books are in the same database here; that need not be."""
    return psycopg.connect(os.environ["DURABLEFLOW_DATABASE_URL"], application_name="library")


engine = create_engine("postgresql+psycopg://", creator=connect)  # connects when it is first used, in each pool child
Session = scoped_session(sessionmaker(engine))


@task_postrun.connect
def close_session(**_: Any) -> None:
    """Roll back what was not committed, and give the connection back."""
    Session.remove()


class Base(DeclarativeBase):
    """The library's tables."""


class Loan(Base):
    """Somebody has a book."""

    __tablename__ = "library_loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    book: Mapped[str]
    reader: Mapped[str]


class PrinterJammed(Exception):
    """There is no receipt."""


@df.step(retry=Retry(max_attempts=2, backoff=0.0))
def lend(book: str, reader: str) -> int:
    """Note the loan and print a receipt; both or none. The printer jams whenever it is used for the first time."""
    loan = Loan(book=book, reader=reader)
    Session.add(loan)
    Session.flush()
    if current.attempt == 1:
        raise PrinterJammed(book)
    Session.commit()
    return loan.id


@df.step
def lent_to(reader: str) -> list[str]:
    """Only reads, which begins a transaction as well."""
    return sorted(Session.scalars(select(Loan.book).where(Loan.reader == reader)))


@df.workflow
async def evening(reader: str, books: list[str]) -> list[str]:
    """Lend the books, one after the other. Gives what the reader has then."""
    for book in books:
        await lend(book, reader)
    return await lent_to(reader)
