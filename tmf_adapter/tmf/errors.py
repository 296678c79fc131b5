"""Everything that can be wrong with a request, as one tree; each leaf becomes a TMF ``Error`` body.

::

    AdapterError                     status  code
    |-- Invalid                      400     invalidBody         a body that does not fit its schema or the rules
    |   `-- BadQuery                 400     invalidQuery        a query string nobody could mean
    |-- Unauthorized                 401     unauthorized        who asks has not shown who he is
    |-- Forbidden                    403     forbidden
    |-- NotFound                     404     notFound
    |-- MethodNotAllowed             405     methodNotAllowed
    |-- Conflict                     409     conflict
    |   |-- IllegalTransition        409     illegalTransition   names the statuses that are allowed
    |   |-- LostRace                 409     lostRace            another writer was faster, every time
    |   `-- NoSecretKey              409     noSecretKey         a secret was to be kept, and there is no key to seal it
    |-- PreconditionFailed           412     preconditionFailed  the resource is no longer as the client read it
    |-- TooLarge                     413     tooLarge
    |-- UnsupportedMediaType         415     unsupportedMediaType
    |-- TooManyRequests              429     tooManyRequests
    `-- Overloaded                   503     overloaded

Rules raise these; the API room turns them into responses; nothing else may reach a client.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

FAULTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a body: where (RFC 6901 pointer, empty for the root) and what."""

    pointer: str
    message: str


class AdapterError(Exception):
    """Base of the tree.

    ``reason`` is one sentence for a person; ``message`` adds detail and remedy; ``faults`` name the places.
    """

    status = 500
    code = "internalError"

    def __init__(self, reason: str, message: str | None = None, faults: Iterable[Fault] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message
        self.faults: Sequence[Fault] = tuple(faults)[:FAULTS_SHOWN]

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error."""
        return {}

    def document(self) -> dict[str, Any]:
        """The TMF ``Error`` resource (TMF621 v5.0.1, schema Error): ``code``, ``reason``, ``status`` are strings."""
        return error_document(self.status, self.code, self.reason, self.message, self.faults)


def error_document(
    status: int, code: str, reason: str, message: str | None = None, faults: Sequence[Fault] = ()
) -> dict[str, Any]:
    """Build a TMF ``Error`` body; the faults' pointers appear in ``message`` and, for machines, in ``errors``."""
    body: dict[str, Any] = {"@type": "Error", "code": code, "reason": reason, "status": str(status)}
    detail = "; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults)
    if text := " ".join(part for part in (message, detail) if part):
        body["message"] = text
    if faults:
        body["errors"] = [{"pointer": fault.pointer, "message": fault.message} for fault in faults]
    return body


class Invalid(AdapterError):
    """The body is malformed or breaks a rule; ``faults`` point at the places."""

    status, code = 400, "invalidBody"

    @classmethod
    def at(cls, pointer: str, message: str) -> "Invalid":
        """The common case: one place, one fault."""
        return cls("The request body is not acceptable.", faults=[Fault(pointer, message)])


class BadQuery(Invalid):
    """The query string names an unknown attribute or operator, or a value of the wrong type."""

    code = "invalidQuery"


class Unauthorized(AdapterError):
    """The request does not show who asks, or not convincingly."""

    status, code = 401, "unauthorized"

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="tmf-adapter"'}


class Forbidden(AdapterError):
    """Whoever asks may not have this."""

    status, code = 403, "forbidden"


class NotFound(AdapterError):
    """No such resource, or no such path."""

    status, code = 404, "notFound"


class MethodNotAllowed(AdapterError):
    """The path exists, the method does not; ``allow`` is the value of the Allow header."""

    status, code = 405, "methodNotAllowed"

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"{method} is not possible here.", f"Allowed: {allow}.")
        self.allow = allow

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self.allow}


class Conflict(AdapterError):
    """The request is well formed but does not fit the state of the resource."""

    status, code = 409, "conflict"


class IllegalTransition(Conflict):
    """A status change the lifecycle does not know."""

    code = "illegalTransition"

    def __init__(self, before: str, wanted: str, allowed: Iterable[str], member: str = "status") -> None:
        options = ", ".join(sorted(allowed))
        remedy = f"From {before} a client may set: {options}." if options else f"{before} is final."
        fault = Fault(f"/{member}", f"{wanted} is not allowed")
        super().__init__(f"The {member} cannot go from {before} to {wanted}.", remedy, [fault])


class LostRace(Conflict):
    """The resource changed under the request, repeatedly; nothing was written, the client may try again."""

    code = "lostRace"


class NoSecretKey(Conflict):
    """A secret was to be kept, and there is no key to seal it with."""

    code = "noSecretKey"

    def __init__(self) -> None:
        remedy = "Set TMF_ADAPTER_SECRET_KEY, for instance to what `openssl rand -base64 32` prints, and start again."
        super().__init__("This adapter has no key to keep secrets with.", remedy)


class PreconditionFailed(AdapterError):
    """``If-Match`` names no version that the resource has (RFC 9110 section 13.1.1); nothing was written."""

    status, code = 412, "preconditionFailed"


class TooLarge(AdapterError):
    """The body exceeds the limit."""

    status, code = 413, "tooLarge"


class UnsupportedMediaType(AdapterError):
    """The content type is none that the operation declares."""

    status, code = 415, "unsupportedMediaType"


class TooManyRequests(AdapterError):
    """Too often; ``seconds`` is when it is worth asking again."""

    status, code = 429, "tooManyRequests"

    def __init__(self, reason: str, message: str, seconds: float) -> None:
        super().__init__(reason, message)
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(max(1, ceil(self.seconds)))}


class Overloaded(AdapterError):
    """A queue inside is full; ``seconds`` is when it is worth asking again."""

    status, code = 503, "overloaded"

    def __init__(self, reason: str, message: str | None = None, seconds: float = 1) -> None:
        super().__init__(reason, message)
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(max(1, ceil(self.seconds)))}
