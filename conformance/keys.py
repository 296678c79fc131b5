"""The four APIs that can be judged, by the names they go by. Imports nothing: the command line reads it."""

KEYS = ("tmf621-v5", "tmf621-v4", "tmf656-v5", "tmf656-v4")
