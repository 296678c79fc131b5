"""The outside judge: whether a TMF621 or TMF656 server, ours or anybody's, does over HTTP what the standard asks of it.

It knows a server by its address only and imports nothing of the adapter. ``judge`` runs four parts and ``report``
writes down what they found: ``properties`` (generated requests), ``samples`` (bodies with an expected status),
``scenarios`` (what single requests cannot show) and ``standard`` (our documents against the standard's own files).
"""
