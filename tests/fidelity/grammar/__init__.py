"""Programs, drawn: :func:`programs` is the strategy, :data:`THEMES` what they can be about."""

from tests.fidelity.grammar import assignments, functions, handlers, loops, numbers, statements, values  # noqa: F401  (they register forms)
from tests.fidelity.grammar.author import FORMS, Theme
from tests.fidelity.grammar.draw import programs
from tests.fidelity.grammar.themes import THEMES

__all__ = ["FORMS", "THEMES", "Theme", "programs"]
