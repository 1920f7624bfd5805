"""Somebody else's job is looked at, ever more seldom, until it is done or the patience is over."""
