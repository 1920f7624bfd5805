"""The same application, made durable: this line is all that changes. Workers run ``-A tests.conformance.durable_app``."""

from durableflow import DurableFlow
from tests.conformance.tasks import app

df = DurableFlow(app)
