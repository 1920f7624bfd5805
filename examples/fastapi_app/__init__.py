"""A FastAPI application: a route that starts a run, one that waits for it, one that a person decides with."""
