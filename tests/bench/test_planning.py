"""The planning bench measures what it says; how fast it is, people judge."""

from tests.bench import planning
from tmf_adapter.mapping.plan import plan
from tmf_adapter.tmf.events import Kind
from tmf_adapter.tmf.time import utc_now


def test_it_measures_mappings_of_which_one_matches() -> None:
    for indexed in (True, False):
        figures = planning.measure(rounds=1, indexed=indexed)
        assert figures["mappings"] == 500
        assert figures["cpu_ms"] > 0


def test_without_an_index_every_mapping_is_a_candidate() -> None:
    status = frozenset({Kind.STATUS})
    names = plan(planning.mappings(), planning.change(), utc_now())[0].scope
    assert len(planning.mappings().filed(status).candidates(names)) == 1
    assert len(planning.mappings(indexed=False).filed(status).candidates(names)) == 500
