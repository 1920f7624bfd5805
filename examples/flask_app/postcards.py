"""Postcards that are sent when their time has come: the workflow. Its steps use Flask's contexts, and no request."""

from datetime import timedelta

from flask import current_app

from durableflow import DurableFlow, Retry, current, sleep
from examples.flask_app.book import book

df = DurableFlow("postcards")


class NotInTheBook(Exception):
    """Nobody of that name has an address."""


@df.step
def address(name: str) -> str:
    """Look into the address book, over the connection that this step's context opens, and closes."""
    found = book().execute("SELECT address FROM person WHERE name = ?", (name,)).fetchone()
    if found is None:
        raise NotInTheBook(name)
    return str(found[0])


@df.step(retry=Retry(max_attempts=5, on=(OSError,)))
def post(where: str, text: str) -> str:
    """Give it to the post office, which knows a card by this key: one that comes twice is sent once."""
    office = current_app.config["POST_OFFICE"]
    with book() as connection:
        connection.execute("INSERT OR IGNORE INTO sent VALUES (?, ?, ?)", (current.idempotency_key, where, text))
    return f"by {office} to {where}"


@df.workflow
async def send_card(name: str, text: str, wait: timedelta = timedelta()) -> str:
    """Send a card, later."""
    where = await address(name)
    await sleep(wait)
    return await post(where, text)
