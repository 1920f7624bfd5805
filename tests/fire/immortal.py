"""The application of ``app``, with the line that makes it durable."""

from durableflow import DurableFlow
from tests.fire.app import app

df = DurableFlow(app)
