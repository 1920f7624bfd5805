"""The shop, on a worker whose pool children are spawned, as on macOS."""

import billiard

from tests.worker.shop import app as app

billiard.set_start_method("spawn", force=True)
