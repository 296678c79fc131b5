"""A downstream and a subscriber to try the adapter against, each a process of its own, and the story played with them.

downstream.py is an SM&O system (problems.py what it remembers and decides, listeners.py whom it tells), subscriber.py
takes notifications, faults.py makes either misbehave on purpose. story.py plays, adapter.py runs the adapter, watch.py
sees what happens, narrator.py says it, owed.py knows what is owed; processes.py starts processes. Everything here
knows the adapter over HTTP only; it imports nothing of it, and nothing of it imports this."""
