"""Explain and simulate: what mappings say to a ticket, and what they would do with it."""

import argparse
import json
from dataclasses import asdict

from tmf_adapter.mapping.mappings import Mappings
from tmf_adapter.recovery.trying import attempt
from tmf_adapter.settings import BadSetting, Settings, shipped
from tmf_adapter.tmf.events import Doc
from tmf_adapter.workbench.changes import changes
from tmf_adapter.workbench.check import chosen
from tmf_adapter.workbench.shown import as_json, explained, headline, say, simulated


def explain(options: argparse.Namespace) -> int:
    """Why a ticket starts a recovery, or why it does not."""
    mappings = _mappings(options)
    moment, change, facts = next(changes(options, mappings, explains=True))
    tried = attempt(mappings, change, moment, facts=facts)
    if options.json:
        print(json.dumps([asdict(one) for one in tried.explanations], indent=1, default=str))
    else:
        say(headline(moment, change), *(line for one in tried.explanations for line in explained(one)))
    return 0


def simulate(options: argparse.Namespace) -> int:
    """What mappings would do with a ticket, or with stored ones. Raises ``BadSetting``."""
    if bool(options.ticket) == bool(options.since):
        raise BadSetting("say either which ticket, or --since when")
    mappings = _mappings(options)
    seen = caught = 0
    answer: list[Doc] = []
    for moment, change, facts in changes(options, mappings, explains=False):
        tried = attempt(mappings, change, moment, facts=facts)
        seen, caught = seen + 1, caught + bool(tried.starts)
        if options.json:
            answer.append(as_json(moment, change, tried))
        elif tried.starts or options.ticket:
            say(headline(moment, change), *simulated(tried))
    if options.json:
        print(json.dumps(answer, indent=1, default=str))
    else:
        say(f"{seen} changes, {caught} of them start a recovery; nothing was sent")
    return 0


def _mappings(options: argparse.Namespace) -> Mappings:
    return chosen(options.mappings or Settings.read().mappings or shipped("mappings"))
