"""Commands that steer a running adapter: clients of the operator's API, over HTTP and nothing else.

client.py asks, table.py shows, verb.py ties the two; one file per part of the API.
Imports nothing of the adapter but its version."""
