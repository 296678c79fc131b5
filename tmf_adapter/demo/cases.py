"""The three troubles of the story. The line decides how the downstream's work ends; nobody else knows."""

from dataclasses import dataclass

from tmf_adapter.demo.serving import Doc


@dataclass(frozen=True, slots=True)
class Case:
    """A customer's trouble, and what the report on it must say in the end."""

    line: str
    description: str
    severity: str
    customer: str
    outcome: str


CASES = (
    Case("line-ok-1", "No synchronisation since this morning; the router is red.", "major", "Bakery", "restored"),
    Case("line-workaround-2", "Broadband drops every few minutes.", "minor", "Chemist", "workaround"),
    Case("line-broken-3", "No internet and no dial tone since the roadworks.", "critical", "Garage", "unsuccessful"),
)


def ticket_body(case: Case) -> Doc:
    """The ticket as a customer platform opens it (TMF621 v5)."""
    return {
        "@type": "TroubleTicket",
        "name": f"Trouble at the {case.customer}",
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
                "partyOrPartyRole": {"@type": "PartyRef", "@referredType": "Organization", "id": case.customer},
            }
        ],
        "troubleTicketCharacteristic": [
            {"@type": "StringCharacteristic", "name": "rootCauseDomain", "valueType": "string", "value": "access"}
        ],
    }
