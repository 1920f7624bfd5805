"""Versions and fingerprints do not depend on the Python that compiles."""

from tests.fidelity.golden import compiled, recorded


def test_the_corpus_compiles_to_the_recorded_versions_and_state_tables() -> None:
    now, before = compiled(), recorded()
    assert now.keys() == before.keys()
    assert [name for name in now if now[name] != before[name]] == []
