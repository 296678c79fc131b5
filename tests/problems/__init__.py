"""Service problems: the rules of TMF656, and the desk end to end."""
