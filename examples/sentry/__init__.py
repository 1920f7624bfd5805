"""Failures that are told to Sentry, by receivers of signals."""
