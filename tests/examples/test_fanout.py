"""Files are counted as they are found, a few at a time."""

from pathlib import Path

from durableflow.testing import Simulation
from examples.fanout.words import Report, count_words, df


def test_each_file_is_counted_and_one_that_is_no_text_stops_no_other(tmp_path: Path) -> None:
    for name, content in {"a.txt": b"one two", "b.txt": b"\xff\xd8", "c.txt": b"three"}.items():
        (tmp_path / name).write_bytes(content)
    found = Simulation(df).execute(count_words(str(tmp_path)))
    assert {Path(file).name: words for file, words in found.words.items()} == {"a.txt": 2, "c.txt": 1}
    assert [Path(file).name for file in found.unread] == ["b.txt"]
    assert found.unread[str(tmp_path / "b.txt")].startswith("UnicodeDecodeError")


def test_an_empty_directory_is_an_empty_report(tmp_path: Path) -> None:
    assert Simulation(df).execute(count_words(str(tmp_path))) == Report({}, {})


def test_no_more_are_read_at_a_time_than_was_said() -> None:
    sim = Simulation(df)
    sim.mock("find", returns=[f"{number}.txt" for number in range(10)])
    sim.mock("count", returns=1, takes=60)
    run = sim.start(count_words("somewhere", at_a_time=3))
    sim.run()
    counts = [step for step in run.steps if step.name == "count"]
    at_once = [
        sum(other.started_at <= step.started_at < (other.ended_at or sim.now) for other in counts) for step in counts
    ]
    assert len(counts) == 10
    assert max(at_once) == 3
