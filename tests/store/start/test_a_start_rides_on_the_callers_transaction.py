import psycopg


def test_a_rollback_leaves_nothing(kernel):
    try:
        with kernel.conn.transaction():
            kernel.start(key="order-42")
            raise RuntimeError("the order was refused")
    except RuntimeError:
        pass
    assert [kernel.one(f"SELECT count(*) FROM durableflow_core.{t}") for t in ("run", "checkpoint", "wake")] == [
        0,
        0,
        0,
    ]


def test_nobody_sees_the_run_before_the_commit(kernel, database_url):
    with psycopg.connect(database_url, autocommit=True) as other:
        with kernel.conn.transaction():
            kernel.start()
            assert other.execute("SELECT count(*) FROM durableflow_core.wake").fetchone() == (0,)
        assert other.execute("SELECT count(*) FROM durableflow_core.wake").fetchone() == (1,)
