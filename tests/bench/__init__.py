"""Measurements. ``python -m tests.bench.codec`` is the codec path; ``load.py`` is the load that every bench applies."""
