"""Service problems (TMF656): the same three files as tickets, for the resource that SM&O works on.

It is the local target of a recovery, so that the adapter is useful with nothing else installed.
Imports tmf and storage, never tickets."""
