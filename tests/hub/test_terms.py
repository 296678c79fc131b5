"""The terms of a subscription, as they are kept."""

from tmf_adapter.hub.terms import Order, Terms


def test_the_usual_terms_are_kept_as_nothing() -> None:
    assert Terms().written() == "{}"
    assert Terms.read("{}") == Terms()


def test_what_differs_is_kept_and_read_again() -> None:
    terms = Terms(order=Order.NONE, hold=60.0, timeout=5.0, append_listener=True)
    assert Terms.read(terms.written()) == terms
    assert Terms(order=Order.SUBSCRIPTION).written() == '{"order":"subscription"}'


def test_what_a_newer_version_wrote_is_left_out() -> None:
    assert Terms.read('{"hold": 1.5, "colour": "blue"}') == Terms(hold=1.5)
