"""Settings: from the command line, else the environment, else the default; a bad one is named with its remedy."""

from pathlib import Path

import pytest

from tmf_adapter.settings import BadSetting, Settings


def test_without_anything_set_the_defaults_serve_on_loopback_with_sqlite() -> None:
    settings = Settings.read({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8621)
    assert settings.database == "sqlite:///tmf_adapter.db"
    assert settings.url == "http://127.0.0.1:8621"
    assert settings.strict is False
    assert settings.callback_allow == ()


def test_the_environment_sets_what_the_command_line_leaves_out(tmp_path: Path) -> None:
    environment = {
        "TMF_ADAPTER_HOST": "0.0.0.0",
        "TMF_ADAPTER_PORT": "80",
        "TMF_ADAPTER_DATABASE_URL": "postgresql://adapter@db/adapter",
        "TMF_ADAPTER_MAPPINGS": str(tmp_path),
        "TMF_ADAPTER_PUBLIC_URL": "https://tmf.example/",
        "TMF_ADAPTER_CALLBACK_ALLOW": "10.0.0.0/8, ::1/128",
        "TMF_ADAPTER_TMF656_URL": "https://smo.example/tmf-api/serviceProblemManagement/v5/",
        "TMF_ADAPTER_STRICT": "true",
        "TMF_ADAPTER_DELIVERY_BACKOFF": "1,2.5",
    }
    settings = Settings.read(environment, port="8080", host=None)
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)
    assert settings.database == "postgresql://adapter@db/adapter"
    assert settings.mappings == tmp_path
    assert settings.url == "https://tmf.example"
    assert settings.callback_allow == ("10.0.0.0/8", "::1/128")
    assert settings.tmf656_url == "https://smo.example/tmf-api/serviceProblemManagement/v5"
    assert settings.strict is True
    assert settings.delivery_backoff == (1.0, 2.5)


def test_an_ipv6_host_is_bracketed_in_the_url() -> None:
    assert Settings.read({"TMF_ADAPTER_HOST": "::1"}).url == "http://[::1]:8621"


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.read({"TMF_ADAPTER_TMF656_URL": ""}).tmf656_url is None


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TMF_ADAPTER_PORT", "http", "between 1 and 65535"),  # a word
        ("TMF_ADAPTER_PORT", "70000", "between 1 and 65535"),  # out of range
        ("TMF_ADAPTER_DATABASE_URL", "mysql://x/y", "not supported"),  # a database we do not speak
        ("TMF_ADAPTER_DATABASE_URL", "nonsense", "no database URL"),  # not a URL
        ("TMF_ADAPTER_MAPPINGS", "/no/such/directory", "exists"),
        ("TMF_ADAPTER_PUBLIC_URL", "tmf.example", "absolute"),  # no scheme
        ("TMF_ADAPTER_CALLBACK_ALLOW", "10.0.0.1/8", "host bits"),  # not a network
        ("TMF_ADAPTER_STRICT", "maybe", "true or false"),
        ("TMF_ADAPTER_DELIVERY_BACKOFF", "5,-1", "above 0"),
        ("TMF_ADAPTER_LEASE", "soon", "number of seconds"),
        ("TMF_ADAPTER_SUBSCRIPTIONS", "many", "whole number above 0"),
        ("TMF_ADAPTER_SYNCHRONOUS", "OFF", "NORMAL or FULL"),
        ("TMF_ADAPTER_LEASE", "1e300", "a year's at most"),
        ("TMF_ADAPTER_PUBLIC_URL", "http://tmf.example:99999", "range"),
        ("TMF_ADAPTER_PUBLIC_URL", "http://tmf.example/?a=1", "without"),
        ("TMF_ADAPTER_CLOCK_STOPS_IN", "pending, waiting", "waiting is no status of a ticket"),
        ("TMF_ADAPTER_DEAD_AFTER", "3", "more than TMF_ADAPTER_HEARTBEAT=3"),  # nobody would be alive between two signs
        ("TMF_ADAPTER_POTR", "80", "did you mean TMF_ADAPTER_PORT"),  # it would have served elsewhere without a word
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_remedy(variable: str, value: str, said: str) -> None:
    with pytest.raises(BadSetting, match=said) as caught:
        Settings.read({variable: value})
    assert str(caught.value).startswith(variable)


def test_a_secret_setting_is_in_no_repr_and_in_no_message() -> None:
    key = "ab" * 32
    settings = Settings.read({"TMF_ADAPTER_SECRET_KEY": key})
    assert settings.secret_key[0].reveal() == key
    assert key not in repr(settings)
    with pytest.raises(BadSetting, match=r"TMF_ADAPTER_SECRET_KEY=\*\*\*: must be 32 random bytes") as caught:
        Settings.read({"TMF_ADAPTER_SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(caught.value)
