"""Trouble tickets: what a recovery reports, and the desk end to end."""
