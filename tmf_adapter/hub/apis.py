"""The APIs that a listener can register with: what each tells of, in which version, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tmf_adapter.tmf.attributes import Attribute
from tmf_adapter.tmf.events import Event, Resource, event_types, payload_name
from tmf_adapter.tmf.notifications import v4_event_types, v4_sees
from tmf_adapter.tmf.versions import TMF621, TMF656

Attributes = Mapping[Resource, Attribute]
"""The tree of each resource that an API tells of."""

_ANYTHING = Attribute(is_open=True)


@dataclass(frozen=True, slots=True)
class Api:
    """One of our documents: the resources whose events it raises, and the path that its operations start with.

    ``attributes`` are what a query may name; a resource that is not there may have any.
    """

    resources: tuple[Resource, ...]
    path: str
    is_v4: bool = False
    attributes: Attributes = field(default_factory=dict)

    @property
    def event_types(self) -> frozenset[str]:
        """Every event type that a listener of this API may hear of."""
        return frozenset[str]().union(*map(v4_event_types if self.is_v4 else event_types, self.resources))

    @property
    def payloads(self) -> dict[str, Resource]:
        """The resources by the names that they have in a notification, the API's own before those beside it."""
        return {payload_name(resource): resource for resource in reversed(self.resources)}

    def attribute(self, resource: Resource) -> Attribute:
        """The tree of one resource."""
        return self.attributes.get(resource, _ANYTHING)

    def tells(self, event: Event) -> bool:
        """Whether the event is one of this API, and, in v4, there is anything in it that v4 has."""
        if event.resource not in self.resources:
            return False
        return not self.is_v4 or (
            event.type in v4_event_types(event.resource) and v4_sees(event.resource, event.kind, event.payload)
        )


Apis = Mapping[str, Api]
"""By the name that subscriptions are kept under."""

TASKS: tuple[Resource, ...] = ("problemAcknowledgement", "problemUnacknowledgement", "problemGroup", "problemUngroup")

APIS: Apis = {
    "tmf621-v5": Api(("troubleTicket", "troubleTicketSpecification"), f"{TMF621}v5"),
    "tmf656-v5": Api(("serviceProblem", *TASKS), f"{TMF656}v5"),
    "tmf621-v4": Api(("troubleTicket",), f"{TMF621}v4", is_v4=True),
    "tmf656-v4": Api(("serviceProblem",), f"{TMF656}v4", is_v4=True),
}
"""Every API, with nothing known of its attributes."""


def knowing(attributes: Mapping[str, Attributes]) -> Apis:
    """Every API, with the attributes of its resources: what a query names beyond them is refused."""
    return {name: replace(api, attributes=attributes.get(name, {})) for name, api in APIS.items()}
