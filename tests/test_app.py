"""An adapter that is given nonsense does not start."""

from pathlib import Path

import pytest

from tmf_adapter.app import Adapter
from tmf_adapter.settings import BadSetting, Settings

REASONS = """
reasons:
  restored: { means: It works again, partners: { artemis: Fixed } }
"""


def test_a_partner_whom_no_reason_knows_is_refused_with_those_who_are_known(tmp_path: Path) -> None:
    (tmp_path / "reasons.yaml").write_text(REASONS)
    settings = {"TMF_ADAPTER_MAPPINGS": str(tmp_path), "TMF_ADAPTER_DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}
    with pytest.raises(BadSetting, match=r"TMF_ADAPTER_PARTNER='artemiss': reasons.yaml has wordings for artemis"):
        Adapter(Settings.read({**settings, "TMF_ADAPTER_PARTNER": "artemiss"}))
    Adapter(Settings.read({**settings, "TMF_ADAPTER_PARTNER": "artemis"})).database.close()
