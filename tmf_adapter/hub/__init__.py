"""Report Customer Problem: subscriptions and the notifications they are owed.

subscription.py says what a listener wants, delivery.py the states of a delivery; drain.py works them off in order
under a lease, post.py posts one, guard.py says which addresses may be dialled; hub.py is the room's door.
Imports tmf and storage; aiohttp lives here alone."""

from tmf_adapter.hub.hub import Hub

__all__ = ["Hub"]
