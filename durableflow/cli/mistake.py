"""What the command line says when it was asked for something that cannot be."""


class Mistake(Exception):
    """A mistake in how a command was called; ends it with status 2 and this message, without a traceback."""
