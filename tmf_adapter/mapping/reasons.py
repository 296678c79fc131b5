"""The vocabulary of reasons: the codes that mappings write, and how each partner words them."""

from collections import abc
from dataclasses import dataclass, field

from marshmallow import post_load

from tmf_adapter.mapping.fields import Inner, Keyed, Plain, free, needed
from tmf_adapter.mapping.keys import Keys

REASONS_FILE = "reasons.yaml"


@dataclass(frozen=True)
class Reason:
    """One code: what it means, for whoever writes mappings, and its wording for each partner who has his own."""

    means: str
    partners: abc.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reasons:
    """Every code that a mapping may give as the reason of a status; without any, every text is one.

    TMF621's ``statusChangeReason`` is free text and no vocabulary is shared, so the adapter writes the code itself
    unless the partner (the tenant, or the upstream system that owns the ticket) has a wording of its own.
    """

    codes: abc.Mapping[str, Reason] = field(default_factory=dict)

    @property
    def partners(self) -> frozenset[str]:
        """Everybody who has a wording of his own for any code."""
        return frozenset(partner for reason in self.codes.values() for partner in reason.partners)

    def knows(self, text: str) -> bool:
        """Whether ``text`` may be written as a reason; what is filled in when it is written cannot be told."""
        return not self.codes or "${" in text or text in self.codes

    def word(self, code: str, partner: str = "") -> str:
        """What is written as ``statusChangeReason`` for this partner."""
        reason = self.codes.get(code)
        return reason.partners.get(partner, code) if reason else code


class _ReasonKeys(Keys):
    makes = Reason
    means = Plain(**needed("what the code means, in a few words"))
    partners = Keyed(Plain(), **free(dict))


class ReasonsSchema(Keys):
    """The file ``reasons.yaml``. Loads to ``Reasons``."""

    reasons = Keyed(Inner(_ReasonKeys), short="means", **needed("each code with what it means"))

    @post_load
    def _make(self, data: dict[str, abc.Mapping[str, Reason]], **_: object) -> Reasons:
        return Reasons(data["reasons"])
