"""``python -m examples.agent``: an assistant makes room on a disk, and asks before it deletes."""

from examples.stage import Stage, stage


def main() -> None:
    """Let it delete the first time, and not the second."""
    with stage("examples.agent.assistant:df", __doc__) as here:
        from examples.agent.assistant import Permit

        play(here, Permit(granted=True))
        play(here, Permit(granted=False, reason="I need it"))


def play(here: Stage, permit: object) -> None:
    """One run, up to its answer."""
    from examples.agent.assistant import assist

    run = assist("make room").start()
    here.watch(run, until=lambda: here.asks(run) is not None)
    asked = here.asks(run) or "(nothing)"
    print(f"  {asked}? {permit}")
    run.send(asked, permit, by="ada")
    here.watch(run)
    print(f"{run.result()}\n")


if __name__ == "__main__":
    main()
