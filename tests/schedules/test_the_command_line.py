"""``durableflow schedules``: what it prints and what it does."""

import sys
from collections.abc import Callable
from datetime import datetime

import pytest

from durableflow import DurableFlow
from durableflow.cli import main
from tests.schedules.conftest import Cluster

APP = "tests.schedules.clockwork:df"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(df: DurableFlow, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``durableflow schedules ...``; gives the status, and what it printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["durableflow", "schedules", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_list_shows_when_each_starts_next(cluster: Cluster, run: Run) -> None:
    assert run("list", APP) == (0, "no schedules: a worker registers them when it starts\n", "")
    cluster.register("clockwork.nightly", "clockwork.mondays")
    status, out, _ = run("list", APP)
    assert status == 0
    for word in ("clockwork.nightly", "0 3 * * *", "Europe/Lisbon", "active", "clockwork.mondays"):
        assert word in out


def test_pause_and_resume(cluster: Cluster, run: Run, at: Callable[[str], datetime]) -> None:
    worker = cluster.worker("clockwork.nightly")
    assert run("pause", APP, "clockwork.nightly") == (0, "clockwork.nightly is paused\n", "")
    assert "was paused already" in run("pause", APP, "clockwork.nightly")[1]
    at("14 02:00")
    cluster.run(worker)
    assert cluster.runs() == []
    on = "clockwork.nightly goes on: it starts next at 2031-05-15T03:00+01:00\n"
    assert run("resume", APP, "clockwork.nightly") == (0, on, "")
    assert "was not paused" in run("resume", APP, "clockwork.nightly")[1]
    at("15 02:00")
    cluster.run(worker)
    assert len(cluster.runs()) == 1


def test_backfill_prints_the_times_whose_runs_it_started(cluster: Cluster, run: Run) -> None:
    when = ("--from", "2031-05-12T03:00", "--to", "2031-05-13T11:30+01:00")  # without an offset: in Lisbon
    times = "2031-05-12T03:00+01:00\n2031-05-13T03:00+01:00\n"
    dry = run("backfill", APP, "clockwork.nightly", *when, "--dry-run")
    assert dry == (0, times, "2 runs would be started\n")
    assert cluster.runs() == []
    assert run("backfill", APP, "clockwork.nightly", *when) == (0, times, "2 runs started\n")
    assert run("backfill", APP, "clockwork.nightly", *when) == (0, "", "0 runs started\n")
    assert len(cluster.runs()) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("pause", APP, "clockwork.nightli"), "did you mean clockwork.nightly"),
        (("backfill", APP, "clockwork.nightly", "--from", "noon", "--to", "2031-05-13"), "'noon' is not a time"),
        (
            ("backfill", APP, "clockwork.nightly", "--from", "2031-05-13", "--to", "2031-05-20"),
            "a backfill is of the past",
        ),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    cluster: Cluster, run: Run, arguments: tuple[str, ...], reason: str
) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert err.startswith("durableflow: ")
    assert reason in err
