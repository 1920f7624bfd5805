"""An index of the Python standard library, built by a durable workflow that survives kill -9 and a wiped broker."""
