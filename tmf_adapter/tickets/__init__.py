"""Track & Manage Customer Problem: the only way a trouble ticket (TMF621) changes.

ticket.py decides, desk.py loads and saves with all consequences, store.py is the rows.
Imports tmf and storage; knows that changes have consequences, not which."""
