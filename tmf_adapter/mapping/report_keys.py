"""The grammar of what is written on the ticket: ``report`` and its rules."""

from typing import Any

from marshmallow import post_load

from tmf_adapter.mapping import parts
from tmf_adapter.mapping.fields import Cel, Choice, Filled, Flag, Inner, Length, Named, Status, free, needed
from tmf_adapter.mapping.keys import Keys


class ReportRuleKeys(Keys):
    """What is written. Loads to ``parts.ReportRule``."""

    status = Status(allow_none=True, **free())
    reason = Filled(allow_none=True, **free())
    note = Filled(allow_none=True, **free())
    char = Named(allow_none=True, **free(dict))

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return parts.ReportRule(**{**data, "char": data["char"] or {}})


class _Expiry(Keys):
    makes = parts.Expiry
    after = Length(**needed("how long the work-around holds"))
    then = Choice(parts.Expired, **free(parts.Expired.REMIND))
    restored = Cel(**free())
    undo = Flag(**free(False))
    note = Filled(allow_none=True, **free())


class _WorkaroundRule(ReportRuleKeys):
    expiry = Inner(_Expiry, allow_none=True, **free())


class _NowRule(ReportRuleKeys):
    status = Status(also=frozenset({"rejected"}), allow_none=True, **free())


class ReportKeys(Keys):
    """The key ``report`` of the defaults. Loads to ``parts.Report``."""

    makes = parts.Report
    restored = Inner(ReportRuleKeys, **needed("what a restoration writes on the ticket"))
    workaround = Inner(_WorkaroundRule, **needed("what a work-around writes on the ticket"))
    unsuccessful = Inner(ReportRuleKeys, **needed("what a failure writes on the ticket"))
    timeout = Choice(parts.Outcome, **needed("the outcome of a missed deadline"))
    mode = Choice(parts.ReportMode, **free(parts.ReportMode.SET))


class MappingReportKeys(ReportKeys):
    """The key ``report`` of a mapping."""

    now = Inner(_NowRule, **free())
