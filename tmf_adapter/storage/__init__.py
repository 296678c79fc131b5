"""What is remembered: one database, its tables, and the one way a change is committed.

database.py reads and writes (group_commit.py is SQLite's writer, failures.py says what failures mean), ledger.py writes
a change with all it owes, resources.py is versioned TMF resources, filters.py turns queries into SQL. Imports tmf;
SQLAlchemy lives here and in the store.py files."""
