"""Somebody approves, after one, two or three reminders, or somebody else does."""
