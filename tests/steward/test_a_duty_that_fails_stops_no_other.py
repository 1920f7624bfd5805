"""Rota: the one loop. What fails is reported once, tried again at growing intervals, and keeps nothing else waiting."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from durableflow.steward import threads
from durableflow.steward.duty import Done, Duty, Rota
from durableflow.steward.link import Link
from durableflow.steward.settings import StewardSettings
from durableflow.store.successor import Connection


class Scripted(Duty):
    """Does what it is told."""

    def __init__(self, name: str, act: Callable[[Connection], Done] = lambda conn: Done()) -> None:
        self.name = name
        self.act = act
        self.ran: list[float] = []
        self.hurries_seen = 0

    def hurried(self) -> None:
        self.hurries_seen += 1

    def run_once(self, conn: Connection) -> Done:
        self.ran.append(threads.monotonic())
        return self.act(conn)


class Bench:
    """Runs duties on a clock that does not wait."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.link = Link(url, StewardSettings(), "bench")
        monkeypatch.setattr(threads, "monotonic", lambda: self.now)

    def run(self, seconds: float, *duties: Duty, rota: Rota | None = None) -> Rota:
        rota = rota or Rota("bench", self.link, duties)
        until = self.now + seconds
        while self.now < until:
            conn = self.link.present() or rota._connect()
            self.now += max(rota._round(conn), 0.001) if conn is not None else self.link.pause()
        return rota


@pytest.fixture
def bench(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench(database_url, monkeypatch)
    yield bench
    bench.link.drop()


def _fail(conn: Connection) -> Done:
    raise ValueError("broken")


def test_it_is_reported_once_and_tried_again_at_growing_intervals(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = Scripted("broken", _fail), Scripted("sound")
    rota = bench.run(60, broken, sound)
    pauses = [round(later - earlier) for earlier, later in zip(broken.ran, broken.ran[1:], strict=False)]
    assert pauses == [2, 4, 8, 16]
    assert 59 <= len(sound.ran) <= 61
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["broken failed"]
    broken.act = lambda conn: Done()
    bench.run(60, rota=rota)
    broken.act = _fail
    bench.run(3, rota=rota)
    assert len(caplog.records) == 2, "it had worked in between"


def test_a_deadlock_is_not_reported_but_a_duty_that_never_gets_through_is(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    def deadlock(conn: Connection) -> Done:
        raise psycopg.errors.DeadlockDetected

    unlucky = Scripted("unlucky", deadlock)
    rota = bench.run(1, unlucky)
    assert len(unlucky.ran) >= 5, "tried again at once"
    assert not caplog.records
    bench.run(10, rota=rota)
    assert len(caplog.records) == 1


def test_a_connection_that_breaks_is_made_again_and_every_duty_begins_anew(bench: Bench) -> None:
    begun: list[int] = []

    class Beginner(Scripted):
        def start(self, conn: Connection) -> None:
            begun.append(conn.info.backend_pid)

    def break_once(conn: Connection) -> Done:
        if len(begun) == 1:
            conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return Done()

    last = Scripted("last")
    bench.run(5, Beginner("first", break_once), last)
    assert len(set(begun)) == 2
    assert len(last.ran) >= 4


def test_a_duty_that_found_something_hurries_those_that_follow(bench: Bench) -> None:
    follower = Scripted("follower")
    follower.interval = 1000.0
    finder = Scripted("finder", lambda conn: Done(count=len(finder.ran) == 3))
    finder.hurries = (follower,)
    bench.run(10, finder, follower)
    assert follower.hurries_seen == 1
    assert len(follower.ran) == 2
    assert follower.ran[1] == finder.ran[2]


def test_a_duty_that_is_not_wanted_does_not_run_and_is_not_waited_for(bench: Bench) -> None:
    class Unwanted(Scripted):
        def wanted(self) -> bool:
            return False

    unwanted, slow = Unwanted("unwanted"), Scripted("slow", lambda conn: Done(again=30.0))
    bench.run(60, unwanted, slow)
    assert not unwanted.ran
    assert len(slow.ran) == 2


def test_a_job_that_cannot_get_through_does_not_keep_the_others_for_ever(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    def hopeless(conn: Connection) -> None:
        ran.append("hopeless")
        raise psycopg.errors.LockNotAvailable

    rota = bench.run(1, Scripted("any"))
    rota.submit(hopeless)
    rota.submit(lambda conn: ran.append("next"))
    bench.run(30, rota=rota)
    assert ran == ["hopeless"] * 10 + ["next"]
    assert len(caplog.records) == 1
