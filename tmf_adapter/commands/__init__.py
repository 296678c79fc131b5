"""Commands that steer a running adapter: clients of the operator's API, over HTTP and nothing else.

client.py asks, table.py shows; one file per part of the API. Imports nothing of the adapter but its version."""
