"""The four APIs that can be judged, by name, and how much each is sent. Imports nothing: the command line reads it."""

KEYS = ("tmf621-v5", "tmf621-v4", "tmf656-v5", "tmf656-v4")
EXAMPLES = 10
"""Random requests to each operation, where a run is not bounded by time."""
