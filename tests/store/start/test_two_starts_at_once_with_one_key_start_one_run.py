from tests.store.kernel import Kernel


def test_the_one_that_waited_is_given_the_run(kernel, race):
    holder = race.connection()
    first = Kernel(holder, kernel.boot).start(key="order-42")
    late = race.start(lambda conn: Kernel(conn, kernel.boot).start(key="order-42"))
    race.wait_until_blocked(late, by=holder)
    holder.commit()
    assert late.result().run_id == first.run_id
    assert not late.result().created


def test_where_the_first_rolls_back_the_one_that_waited_starts_it(kernel, race):
    holder = race.connection()
    Kernel(holder, kernel.boot).start(key="order-42")
    late = race.start(lambda conn: Kernel(conn, kernel.boot).start(key="order-42"))
    race.wait_until_blocked(late, by=holder)
    holder.rollback()
    assert late.result().created
