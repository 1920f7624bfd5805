"""The machine against CPython: every program gives the same value, the same exception and the same order of effects.

* :mod:`prelude` is what a program imports: logged effects, awaitables whose outcome is scripted, instrumented classes.
* :mod:`grammar` draws programs with Hypothesis; ``corpus/`` holds the handwritten and the once-failed ones.
* :mod:`oracle` runs a program as the plain coroutine that it is, and by the machine with every checkpoint stored and
  loaded, and compares.

``DURABLEFLOW_FIDELITY_EXAMPLES=50000`` raises the number of generated programs (the default is 1,500, split by theme).
A failure prints the program, its arguments and script, and Hypothesis' ``@reproduce_failure`` line.
"""
