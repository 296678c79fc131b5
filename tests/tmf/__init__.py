"""The standard's rules, by tables."""
