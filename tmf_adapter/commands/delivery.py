"""``tmf-adapter delivery ...``: what subscribers were sent and were not sent, why, and what can be done."""

import argparse
import base64
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tmf_adapter.commands.table import card, table
from tmf_adapter.commands.verb import Run, verb

if TYPE_CHECKING:
    from tmf_adapter.commands.client import Client

SUBSCRIPTIONS = {
    **{"id": "id", "api": "api", "state": "state", "breaker": "breaker", "pending": "pending", "parked": "parked"},
    **{"dead": "dead", "oldest undelivered": "oldestUndeliveredAt", "callback": "callback"},
}
DELIVERIES = {
    **{"id": "id", "state": "state", "reason": "reason", "tries": "attempts", "next": "nextAttemptAt"},
    **{"status": "lastStatus", "ms": "latencyMs", "event": "eventType", "resource": "resourceId"},
    **{"subscription": "subscriptionId", "error": "lastError"},
}
ATTEMPTS = {"at": "at", "status": "status", "ms": "latencyMs", "error": "error", "answer": "answer"}
CAUSES = {"cause": "cause", "until": "until", "what": "detail", "remedy": "remedy"}
KEYS = {"kid": "kid", "created": "createdAt", "signs until": "signsUntil", "public key": "publicKey"}
AUDIT = {"at": "at", "who": "who", "action": "action", "target": "target", "before": "before", "after": "after"}

_FILTERS = {
    "subscription": ("subscriptionId", "only to this subscription"),
    "resource": ("resourceId", "only about this ticket or problem"),
    "type": ("eventType", "only of events of this type"),
    "reason": ("reason", "only those given up or parked for this reason"),
    "since": ("since", "only those owed since, such as 2026-11-24T06:00:00Z"),
    "until": ("until", "only those owed before"),
}


def add(commands: Any) -> None:
    """The command with all that it can do; ``commands`` are argparse's subparsers."""
    delivery = commands.add_parser("delivery", help="see and steer the notifications of a running adapter")
    verbs = delivery.add_subparsers(required=True, metavar="COMMAND")
    _add_looks(verbs)
    _add_deeds(verbs)
    _add_trust(verbs)


def _add_looks(verbs: Any) -> None:
    each = verb(verbs, "subscriptions", "list subscriptions", _subscriptions, lambda found: table(found, SUBSCRIPTIONS))
    each.add_argument("--state", choices=["enabled", "paused", "disabled", "gone"])
    each.add_argument("--api", help="such as tmf621-v5")
    _paged(each)
    _by_id(verb(verbs, "subscription", "show one subscription", _subscription, card))

    each = verb(verbs, "list", "list deliveries", _deliveries, lambda found: table(found, DELIVERIES))
    _filtered(each)
    each.add_argument("--event", help="only of the event with this id")
    each.add_argument("--state", choices=["pending", "delivered", "dead", "cancelled"])
    _paged(each)
    _by_id(verb(verbs, "show", "show one delivery and its attempts", _delivery, _with_attempts), "delivery")
    _by_id(verb(verbs, "explain", "say why a delivery has not arrived", _explanation, _explained), "delivery")

    each = verb(verbs, "audit", "list what operators changed", _audit, lambda found: table(found, AUDIT))
    each.add_argument("--target", help="such as subscription/4711")
    each.add_argument("--action", help="such as pause")
    _paged(each)


def _add_deeds(verbs: Any) -> None:
    for name, help_ in (
        ("pause", "send nothing to a subscription until it is resumed"),
        ("disable", "send nothing to a subscription until it is enabled"),
    ):
        each = verb(verbs, name, help_, _deed(name), card)
        _by_id(each)
        each.add_argument("--reason", help="why, for whoever looks later")
    _by_id(verb(verbs, "resume", "send again what a paused subscription is owed", _deed("resume"), card))
    each = verb(verbs, "enable", "send again, and say what becomes of what is parked", _enable, card)
    _by_id(each)
    each.add_argument("--recover", required=True, choices=["all", "newest", "none"])
    _by_id(verb(verbs, "probe", "try the oldest delivery of a subscription now", _deed("probe"), card))

    each = verb(verbs, "replay", "send again what was delivered or given up", _replay, card)
    each.add_argument("id", nargs="*", help="exactly these deliveries")
    _filtered(each)
    each.add_argument("--state", choices=["dead", "delivered"])
    sure = each.add_mutually_exclusive_group(required=True)
    sure.add_argument("--dry-run", action="store_true", help="only count them")
    sure.add_argument("--yes", action="store_true", help="do it")


def _add_trust(verbs: Any) -> None:
    each = verb(verbs, "terms", "change how a subscriber is called", _terms, card)
    _by_id(each)
    each.add_argument("--order", choices=["subscription", "resource", "none"])
    each.add_argument("--hold", type=float, help="seconds that a failing delivery keeps those behind it waiting")
    each.add_argument("--timeout", type=float, help="seconds of one attempt")
    each.add_argument("--append-listener", choices=["yes", "no"], help="post to callback/listener/event name")
    each.add_argument("--handshake", choices=["off", "advisory"])
    each.add_argument("--auth", metavar="FILE", help="credentials as JSON, - for standard input, none for none")
    each.add_argument("--tls", metavar="FILE", help="paths of certificate, key and ca as JSON, none for none")

    each = verb(verbs, "rotate-secret", "give a subscription a new signing secret", _rotate_secret, _secret_given)
    _by_id(each)
    each.add_argument("--file", help="that holds the secret (whsec_...), - for standard input; default: a new one")
    _by_id(verb(verbs, "remove-secret", "take its signing secrets from a subscription", _remove_secret, _done))
    _by_id(verb(verbs, "handshake", "ask a subscriber by OPTIONS whether it wants to be notified", _handshake, card))
    verb(verbs, "keys", "list the keys that sign notifications", _keys, lambda found: table(found, KEYS))
    each = verb(verbs, "rotate-keys", "make a new key; the one before signs beside it for 24 hours", _rotate_keys, card)
    each.add_argument("--revoke", action="store_true", help="the old one ends at once: somebody else may have it")


def _by_id(parser: argparse.ArgumentParser, what: str = "subscription") -> None:
    parser.add_argument("id", help=f"of the {what}")


def _paged(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--offset", type=int, default=0)


def _filtered(parser: argparse.ArgumentParser) -> None:
    for name, (_, help_) in _FILTERS.items():
        parser.add_argument(f"--{name}", help=help_)


def _filters(options: argparse.Namespace) -> dict[str, Any]:
    return {member: getattr(options, name) for name, (member, _) in _FILTERS.items()}


# -- what is asked -----------------------------------------------------------------------------------------------------


def _subscriptions(client: "Client", options: argparse.Namespace) -> Any:
    page = {"limit": options.limit, "offset": options.offset}
    return client.get("subscription", state=options.state, api=options.api, **page)


def _subscription(client: "Client", options: argparse.Namespace) -> Any:
    return client.get("subscription", options.id)


def _deliveries(client: "Client", options: argparse.Namespace) -> Any:
    page = {"limit": options.limit, "offset": options.offset}
    return client.get("delivery", **_filters(options), eventId=options.event, state=options.state, **page)


def _delivery(client: "Client", options: argparse.Namespace) -> Any:
    return client.get("delivery", options.id)


def _explanation(client: "Client", options: argparse.Namespace) -> Any:
    return client.get("delivery", options.id, "explanation")


def _audit(client: "Client", options: argparse.Namespace) -> Any:
    page = {"limit": options.limit, "offset": options.offset}
    return client.get("audit", target=options.target, action=options.action, **page)


def _deed(name: str) -> Run:
    def run(client: "Client", options: argparse.Namespace) -> Any:
        reason = getattr(options, "reason", None)
        return client.send("POST", "subscription", options.id, name, body={"reason": reason} if reason else None)

    return run


def _enable(client: "Client", options: argparse.Namespace) -> Any:
    return client.send("POST", "subscription", options.id, "enable", body={"recover": options.recover})


def _replay(client: "Client", options: argparse.Namespace) -> Any:
    wanted = {**_filters(options), "state": options.state, "deliveryIds": options.id or None}
    named = {name: value for name, value in wanted.items() if value is not None}
    return client.send("POST", "replay", body={**named, "dryRun": options.dry_run})


def _terms(client: "Client", options: argparse.Namespace) -> Any:
    appended = {"yes": True, "no": False}.get(options.append_listener or "")
    plain = {"order": options.order, "hold": options.hold, "timeout": options.timeout}
    plain |= {"appendListener": appended, "handshake": options.handshake}
    patch = {name: value for name, value in plain.items() if value is not None}
    for name in ("auth", "tls"):
        if (source := getattr(options, name)) is not None:
            patch[name] = None if source == "none" else json.loads(_text(source))
    return client.send("PATCH", "subscription", options.id, "terms", body=patch)


def _rotate_secret(client: "Client", options: argparse.Namespace) -> Any:
    made = None if options.file else "whsec_" + base64.b64encode(os.urandom(32)).decode()
    secret = made or _text(options.file).strip()
    document = client.send("PUT", "subscription", options.id, "secret", body={"secret": secret})
    return {"secret": made, **document} if made else document


def _remove_secret(client: "Client", options: argparse.Namespace) -> Any:
    return client.send("DELETE", "subscription", options.id, "secret")


def _handshake(client: "Client", options: argparse.Namespace) -> Any:
    return client.send("POST", "subscription", options.id, "handshake")


def _keys(client: "Client", options: argparse.Namespace) -> Any:
    return client.get("signingKey")


def _rotate_keys(client: "Client", options: argparse.Namespace) -> Any:
    return client.send("POST", "signingKey", body={"revoke": True} if options.revoke else None)


def _text(source: str) -> str:
    return sys.stdin.read() if source == "-" else Path(source).read_text()


# -- what is shown -----------------------------------------------------------------------------------------------------


def _with_attempts(document: Any) -> str:
    attempts = document.pop("attemptList", [])
    return "\n\n".join([card(document), table(attempts, ATTEMPTS)])


def _explained(document: Any) -> str:
    return "\n\n".join([document["summary"], table(document["causes"], CAUSES)])


def _secret_given(document: Any) -> str:
    """A secret that was made here is shown once, here: the adapter never shows it."""
    secret = document.pop("secret", None)
    hint = f"the new secret, to be handed to the subscriber and shown only now: {secret}\n\n" if secret else ""
    return hint + card(document)


def _done(_document: Any) -> str:
    return "done"
