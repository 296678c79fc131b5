"""The standard's rules, pure: lifecycle, events, queries, patches, errors.

No I/O, no framework, no clock of its own; every rule names the clause or schema it comes from.
Imports the standard library and the patch library only."""
