"""Who may ask, and how: the only room with Connexion.

server.py mounts our documents; routing, validation and dispatch are the fast path; one file per API version holds
one function per operationId; errors.py makes every failure a TMF Error. Imports every room below, none imports it."""
