"""``python -m examples.replan``: two bicycles; one plan grows while it is worked off, the other shrinks."""

from examples.stage import stage


def main() -> None:
    """Work off both plans."""
    with stage("examples.replan.workshop:df", __doc__) as here:
        from examples.replan.workshop import Action, work_off

        for complaint in ("does not stop", "is bent"):
            plan = [Action("inspect", complaint), Action("ride", "squeaks"), Action("call", "it is ready")]
            print("planned:", ", ".join(f"{action.name} {action.about}" for action in plan))
            run = work_off(plan).start()
            here.watch(run)
            print("done:   ", ", ".join(f"{action.name} {action.about}".strip() for action in run.result()), "\n")


if __name__ == "__main__":
    main()
