"""Report Customer Problem: subscriptions and the notifications they are owed.

subscription.py says what a listener wants and terms.py how it wants to be called; delivery.py is the states of a
delivery, health.py and breaker.py those of its listener, pressure.py how much goes to it at a time. owe.py writes what
a change owes; drain.py works one subscription off under a lease, in lanes.py's order; post.py posts one notification,
guard.py says which addresses may be dialled. trust.py is what a listener is shown, with signing.py and keys.py;
agreements.py and operate.py are what an operator changes, overview.py and explain.py what he sees. hub.py is the door.
Imports tmf and storage; aiohttp lives here alone."""

from tmf_adapter.hub.hub import Hub

__all__ = ["Hub"]
