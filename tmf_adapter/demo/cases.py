"""The three troubles of the story. The line decides how the downstream's work ends; nobody else knows."""

from dataclasses import dataclass

from tmf_adapter.demo.serving import Doc


@dataclass(frozen=True, slots=True)
class Case:
    """A customer's trouble, where the diagnosis has placed it, and what the report on it must say in the end."""

    line: str
    customer: str
    description: str
    severity: str
    domain: str
    outcome: str


CASES = (
    Case(
        "line-ok-1",
        "Bakery Lindner",
        "No internet since this morning, the router shows a red light.",
        "major",
        "access",
        "restored",
    ),
    Case(
        "line-workaround-2",
        "Dr. Amara's practice",
        "No dial tone, patients cannot reach us.",
        "critical",
        "voice",
        "workaround",
    ),
    Case(
        "line-broken-3",
        "Garage Petrov",
        "No internet since the roadworks in our street.",
        "major",
        "access",
        "unsuccessful",
    ),
)


def ticket_body(case: Case) -> Doc:
    """The ticket as a customer platform opens it (TMF621 v5)."""
    return {
        "@type": "TroubleTicket",
        "name": f"Trouble at {case.customer}",
        "description": case.description,
        "severity": case.severity,
        "ticketType": "fault",
        "relatedEntity": [
            {
                "@type": "RelatedEntity",
                "role": "affectedService",
                "entity": {"@type": "EntityRef", "@referredType": "Service", "id": case.line},
            }
        ],
        "relatedParty": [
            {
                "@type": "RelatedPartyRefOrPartyRoleRef",
                "role": "customer",
                "partyOrPartyRole": {"@type": "PartyRoleRef", "id": f"customer-of-{case.line}", "name": case.customer},
            }
        ],
        "troubleTicketCharacteristic": [
            {"@type": "StringCharacteristic", "name": "rootCauseDomain", "valueType": "string", "value": case.domain}
        ],
    }
