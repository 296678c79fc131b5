"""Correct & Recover Customer Problem: the durable runs that restore a product and report it.

recovery.py says what is next, run.py does it, downstream.py calls, inbox.py takes result events, report.py updates
the ticket. Imports mapping, tickets, problems, storage, engine, tmf; never hub."""
