"""What a record may show."""

import time
from typing import Any

import pytest

from tmf_adapter.tmf.mask import MASKED, Mask


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"phoneNumber": "+43 1 234567"}, {"phoneNumber": MASKED}),
        ({"Authorization": "Bearer abc"}, {"Authorization": MASKED}),
        ({"client_secret": "s3cret"}, {"client_secret": MASKED}),
        ({"note": [{"text": "call my wife"}]}, {"note": [{"text": MASKED}]}),  # its shape stays
        ({"contactMedium": [{"emailAddress": "a@b.example"}]}, {"contactMedium": [{"emailAddress": MASKED}]}),
        ({"description": "write to ann.lee@mail.example, please"}, {"description": f"write to {MASKED}, please"}),
        ({"description": "ring 0664 123 45 67 after six"}, {"description": f"ring {MASKED} after six"}),
        ({"description": "ring +43-664-1234567"}, {"description": f"ring {MASKED}"}),
        # What is no personal data stays readable.
        ({"id": "line-0664123"}, {"id": "line-0664123"}),
        ({"id": "0c9b2a1e-77aa-4c59-a4bb-1a4e1b8b2f0c"}, {"id": "0c9b2a1e-77aa-4c59-a4bb-1a4e1b8b2f0c"}),
        ({"creationDate": "2026-11-24T08:10:00.000Z"}, {"creationDate": "2026-11-24T08:10:00.000Z"}),
        ({"priority": 3, "critical": True, "nothing": None}, {"priority": 3, "critical": True, "nothing": None}),
        ("plain", "plain"),
    ],
)
def test_secrets_and_personal_data_are_masked_and_the_rest_is_not(value: Any, shown: Any) -> None:
    assert Mask.of()(value) == shown


def test_an_operator_chooses_the_names_and_cannot_show_a_secret() -> None:
    mask = Mask.of(["lineId"])
    assert mask({"lineId": "l-1", "text": "hello", "token": "t"}) == {
        "lineId": MASKED,
        "text": "hello",
        "token": MASKED,
    }


def test_what_was_given_is_not_changed() -> None:
    given = {"note": [{"text": "private"}]}
    Mask.of()(given)
    assert given == {"note": [{"text": "private"}]}


@pytest.mark.parametrize("text", ["@" + "a" * 300_000, "a@" + "b-" * 150_000, "00- " * 75_000, "+49 " * 75_000 + "-"])
def test_a_text_made_to_be_searched_for_ever_is_searched_once(text: str) -> None:
    began = time.process_time()
    Mask.of()({"description": text})
    assert time.process_time() - began < 5  # its square is minutes


def test_an_address_is_masked_whole_wherever_it_stands() -> None:
    said = "<a.b+c@mail.example.org>, jane@example.org; call 0170 1234567 or +49 (170) 123-4567"
    assert Mask.of()({"d": said}) == {"d": "<***>, ***; call *** or ***"}
