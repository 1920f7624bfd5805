"""Integrations with other frameworks. Each imports the core, and never the other way round."""
