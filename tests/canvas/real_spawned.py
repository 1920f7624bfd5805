"""The same, on a worker whose pool children are spawned, as on macOS."""

import billiard

billiard.set_start_method("spawn", force=True)

from tests.canvas.real import *  # noqa: E402, F403
from tests.canvas.real import app, df  # noqa: E402, F401
