"""The application, on a worker whose pool children are spawned, as on macOS."""

import billiard

from tests.pools.app import app as app

billiard.set_start_method("spawn", force=True)
