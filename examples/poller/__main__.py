"""``python -m examples.poller``: two jobs of somebody else's; one is done after some looks, one takes too long."""

from datetime import timedelta

from durableflow.errors import RunFailed
from examples.stage import stage


def main() -> None:
    """Wait for both."""
    with stage("examples.poller.report:df", __doc__) as here:
        from examples.poller.report import report

        print("a job that is done at the fifth look:")
        run = report("teas", pause=timedelta(seconds=0.1)).start()
        here.watch(run)
        print(f"{run.result()}\n")

        print("a job that nobody wants to wait for:")
        run = report("interminable", patience=timedelta(seconds=1.5), pause=timedelta(seconds=0.1)).start()
        here.watch(run)
        try:
            run.result()
        except RunFailed as failed:
            print(repr(failed.__cause__))


if __name__ == "__main__":
    main()
