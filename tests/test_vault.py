"""Secrets at rest."""

import base64
import os

import pytest

from tmf_adapter.secret import Secret, keys
from tmf_adapter.tmf.errors import NoSecretKey
from tmf_adapter.vault import Unreadable, Vault


def a_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_what_was_sealed_is_opened_at_its_place_and_reads_differently_each_time() -> None:
    vault = Vault(keys(a_key()))
    sealed = [vault.seal("pä$$", "subscription/1/auth") for _ in range(2)]
    assert {vault.open(text, "subscription/1/auth") for text in sealed} == {"pä$$"}
    assert sealed[0] != sealed[1]
    assert not any("pä$$" in text or base64.b64encode("pä$$".encode()).decode() in text for text in sealed)


def test_a_secret_moved_to_another_place_is_not_opened() -> None:
    vault = Vault(keys(a_key()))
    with pytest.raises(Unreadable, match="another place"):
        vault.open(vault.seal("s", "subscription/1/auth"), "subscription/2/auth")


@pytest.mark.parametrize("position", [0, 5, 15, 25, -3])
def test_a_secret_that_was_altered_is_not_opened(position: int) -> None:
    vault = Vault(keys(a_key()))
    scheme, name, text = vault.seal("a secret", "here").split(":")
    raw = bytearray(base64.b64decode(text))
    raw[position] ^= 1
    with pytest.raises(Unreadable, match="altered"):
        vault.open(f"{scheme}:{name}:{base64.b64encode(raw).decode()}", "here")


@pytest.mark.parametrize("text", ["", "plain", "aes256gcm:", "aes256gcm:00000000:AAAA", "aes256gcm"])
def test_what_was_never_sealed_here_is_told_apart(text: str) -> None:
    with pytest.raises(Unreadable, match="TMF_ADAPTER_SECRET_KEY"):
        Vault(keys(a_key())).open(text, "here")


def test_without_a_key_nothing_is_kept_and_the_remedy_is_named() -> None:
    with pytest.raises(NoSecretKey) as caught:
        Vault().seal("s", "here")
    assert "TMF_ADAPTER_SECRET_KEY" in str(caught.value.message)
    assert not Vault().has_key


def test_a_new_key_seals_while_the_old_one_still_opens() -> None:
    old, new = a_key(), a_key()
    sealed = Vault(keys(old)).seal("s", "here")
    both = Vault(keys(f"{new}, {old}"))
    assert both.open(sealed, "here") == "s"
    assert not both.is_sealed_anew(sealed)
    anew = both.seal("s", "here")
    assert both.is_sealed_anew(anew)
    assert Vault(keys(new)).open(anew, "here") == "s"


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(bytes(32)).decode(),
        base64.b64encode(bytes(32)).decode().rstrip("="),
        bytes(range(32)).hex(),
        bytes(range(32)).hex().upper(),
    ],
)
def test_a_key_is_read_in_base64_and_in_hex(text: str) -> None:
    assert len(keys(text)) == 1


@pytest.mark.parametrize("text", ["hunter2", "AAAA", "00" * 31, base64.b64encode(bytes(33)).decode(), "é" * 32])
def test_a_key_that_is_none_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -base64 32") as caught:
        keys(text)
    assert text not in str(caught.value)


def test_a_secret_shows_itself_only_when_it_is_asked() -> None:
    secret = Secret("hunter2")
    assert secret.reveal() == "hunter2"
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} {{1: secret}}"
    assert secret == Secret("hunter2") != Secret("hunter3")
