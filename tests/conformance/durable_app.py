"""The same application, made durable: one line more, and workers run this module instead."""

from durableflow import DurableFlow
from tests.conformance.tasks import app

df = DurableFlow(app)
