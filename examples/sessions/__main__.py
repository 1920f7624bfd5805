"""``python -m examples.sessions``: an evening at the library, whose printer jams for every book."""

from uuid import uuid4

from examples.stage import stage

_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'library' AND state LIKE 'idle in transaction%'"


def main() -> None:
    """Lend three books, and look at what is left open."""
    with stage("examples.sessions.library:df", __doc__) as here:
        from examples.sessions.library import Base, connect, engine, evening

        Base.metadata.create_all(engine)
        run = evening(f"reader {uuid4().hex[:8]}", ["Ulysses", "Emma", "Dune"]).start()
        here.watch(run)
        with connect() as database:
            (left_open,) = database.execute(_OPEN).fetchone() or (None,)
        print(f"lent:              {', '.join(run.result())}: each once, whatever failed on the way")
        print(f"transactions that a step has left open: {left_open}")


if __name__ == "__main__":
    main()
