"""Who may ask, and how: the only room with Connexion.

server.py mounts our documents; routing, validation and dispatch are the fast path; one file per API version holds
one function per operationId; errors.py makes every failure a TMF Error. Imports every room below, none imports it."""

import warnings

with warnings.catch_warnings():
    # Connexion 3.3 imports Starlette's test client, which warns of a library that only tests would use.
    warnings.simplefilter("ignore")
    import connexion  # noqa: F401
