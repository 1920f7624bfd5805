"""A Flask application whose steps use what it has: its configuration, and the database connection of its context."""
