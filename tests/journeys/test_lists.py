"""Lists as a client sees them: real HTTP, a real adapter, both databases."""

import re
from urllib.parse import urljoin

import pytest
import requests

from tests.journeys.world import World

TICKETS = "/tmf-api/troubleTicket/v5/troubleTicket"
PROBLEMS = "/tmf-api/serviceProblemManagement/v5/serviceProblem"

FOUND = {
    "severity=Minor": "abc",
    "severity=Minor,Major;status=held": "abcdefg",
    "severity.ne=Minor": "defg",
    "name>c": "defg",
    "name%3E%3Dc&name.lt=e": "cd",
    "name=*": "abcdefg",
    "note.text=about e": "e",
    "note.text.regex=about [ab]$": "ab",
    "relatedEntity.entity.id=line-d": "d",
    "troubleTicketCharacteristic.hops>4": "fg",
    "filter=note[?(@.author=='hotline' %26%26 @.text=='about c')]": "c",
    "filter=$[?(@.severity=='Major' %26%26 @.name>'e')]": "fg",
    "requestedResolutionDate.gte=2026-03-05T00:00:00%2B02:00": "efg",
    "sort=-name&limit=3": "gfe",
    "sort=+severity,-name&limit=5": "gfedc",
}


def opened(here: World) -> None:
    for number, name in enumerate("abcdefg"):
        here.open(
            f"line-{name}",
            "acknowledged",
            name=name,
            severity="Minor" if name < "d" else "Major",
            note=[{"@type": "Note", "author": "hotline", "text": f"about {name}"}],
            requestedResolutionDate=f"2026-03-0{number + 1}T00:00:00Z",
            troubleTicketCharacteristic=[{"@type": "IntegerCharacteristic", "name": "hops", "value": number}],
        )


def names(response: requests.Response) -> str:
    assert response.status_code == 200, response.text
    return "".join(row["name"] for row in response.json())


def links(response: requests.Response) -> dict[str, str]:
    """The address of each link, by its relation."""
    found = re.findall(r'<([^>]*)>; rel="(\w+)"', response.headers["Link"])
    return {rel: urljoin(response.url, address) for address, rel in found}


def test_a_client_finds_sorts_selects_and_turns_pages(local: World) -> None:
    opened(local)
    address = local.adapter.url + TICKETS
    for query, found in FOUND.items():
        response = requests.get(f"{address}?{query}", timeout=30)
        result = names(response)
        assert (result if "sort" in query else "".join(sorted(result))) == found, query

    row = requests.get(f"{address}?name=a&fields=note.text", timeout=30).json()[0]
    assert set(row) == {"@type", "id", "href", "note"}
    assert set(row["note"][0]) == {"@type", "text"}

    forwards = [response := requests.get(f"{address}?sort=name&limit=3", timeout=30)]
    while "next" in (found_links := links(response)):
        forwards.append(response := requests.get(found_links["next"], timeout=30))
    assert [names(page) for page in forwards] == ["abc", "def", "g"]
    assert {page.headers["X-Total-Count"] for page in forwards} == {"7"}
    backwards = [names(response)]
    while "prev" in (found_links := links(response)):
        backwards.append(names(response := requests.get(found_links["prev"], timeout=30)))
    assert backwards == ["g", "def", "abc"]
    assert names(requests.get(links(response)["last"], timeout=30)) == "g"
    assert names(requests.get(links(response)["first"], timeout=30)) == "abc"

    assert requests.get(f"{local.adapter.url}{PROBLEMS}?characteristic.x=1&sort=-priority", timeout=30).json() == []
    cursor = links(forwards[0])["next"].partition("?")[2]
    assert requests.get(f"{local.adapter.url}{PROBLEMS}?{cursor}", timeout=30).status_code == 400


REFUSED = [
    "nmae=x",
    "name.like=x",
    "filter=$..name",
    "filter=$[?(",
    "sort=nmae",
    "fields=note.nmae",
    "name.regex=(a)",
    "after=1",
]


def test_what_cannot_be_asked_is_refused_with_a_remedy(local: World) -> None:
    for query in REFUSED:
        response = requests.get(f"{local.adapter.url}{TICKETS}?{query}", timeout=30)
        assert response.status_code == 400, query
        assert response.json()["code"] == "invalidQuery"


@pytest.mark.parametrize("version", ["v4", "v5"])
def test_each_version_asks_in_its_own_words(local: World, version: str) -> None:
    opened(local)
    path = {"v4": "relatedEntity.id", "v5": "relatedEntity.entity.id"}[version]
    other = {"v4": "relatedEntity.entity.id", "v5": "relatedEntity.id"}[version]
    address = local.adapter.url + TICKETS.replace("v5", version)
    assert names(requests.get(f"{address}?{path}=line-d", timeout=30)) == "d"
    element = f"relatedEntity[?(@.{path.partition('.')[2]}=='line-d')]"
    assert names(requests.get(address, {"filter": element}, timeout=30)) == "d"
    assert requests.get(f"{address}?{other}=line-d", timeout=30).status_code == 400
