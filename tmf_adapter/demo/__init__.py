"""A downstream and a subscriber to try the adapter against, each a process of its own.

They know the adapter only over HTTP. Nothing here is imported by the adapter."""
