"""Mappings are tried before they run; nothing is sent, nothing written.

command.py declares ``tmf-adapter mapping ...`` and loads what does it only when it is asked for: check.py for lint,
test and schema, try_out.py for explain and simulate, with changes.py (of tickets, told again) and shown.py (what people
read). The layer of app.py: it may import every room but api."""
