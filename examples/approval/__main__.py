"""``python -m examples.approval``: one manager answers a reminder, another one nothing. A day lasts 0.4 seconds."""

from datetime import timedelta

from examples.stage import stage


def main() -> None:
    """Start two runs, and decide about each when it is time."""
    with stage("examples.approval.expenses:df", __doc__) as here:
        from examples.approval.expenses import Decision, Expense, approve

        day = timedelta(seconds=0.4)
        print("ada decides when she is reminded:")
        run = approve(Expense(purpose="tea", cents=1900, manager="ada", director="grace"), day).start()
        here.watch(run, until=lambda: here.ended(run, "expenses.write_to") == 2)
        run.send("decision", Decision(granted=True), by="ada")
        here.watch(run)
        print(f"{run.result()}\n")

        print("bob does not answer, so that grace is asked:")
        run = approve(Expense(purpose="a pot of gold", cents=190_000, manager="bob", director="grace"), day).start()
        here.watch(run, until=lambda: here.ended(run, "expenses.write_to") == 5)
        run.send("decision", {"granted": False, "note": "no"}, by="grace")
        here.watch(run)
        print(run.result())


if __name__ == "__main__":
    main()
