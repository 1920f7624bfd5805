"""The application, on a worker whose pool children are spawned, as on macOS."""

import billiard

from tests.pools.app import app as app
from tests.pools.app import df as df

billiard.set_start_method("spawn", force=True)
