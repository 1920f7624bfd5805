"""One file: it defines, starts, and waits."""
