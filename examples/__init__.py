"""Runnable examples of durableflow."""
