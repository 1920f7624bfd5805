"""An event that arrives with the winner of a race, or after it, is not taken by a wait that nobody is in any more."""

from tests.waiting import shop


def test_each_of_several_events_wins_a_race_in_the_order_in_which_they_were_sent(engine, clock):
    run = shop.events_that_race(4, 1000).start()
    for name, payload in (("left", 1), ("right", 2), ("left", 3), ("right", 4)):
        run.send(name, payload)
        clock.advance(1)
    engine.drive()
    assert run.result(timeout=0) == [(0, 1), (1, 2), (0, 3), (1, 4)]


def test_of_two_that_were_sent_at_once_neither_is_lost(engine):
    run = shop.events_that_race(2, 1000).start()
    run.send("right", 2)
    run.send("left", 1)
    engine.drive()
    assert run.result(timeout=0) == [(0, 1), (1, 2)]
