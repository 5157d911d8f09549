"""What is derived from TOKEN_KEYS and CASE_KEY is on printed paper and in stored rows: it must never change."""

import uuid

import pytest

from feedback_service import keyring
from feedback_service.keyring import Keyring, TokenKey

KEY = TokenKey(b"k" * 32)
ID = uuid.UUID(int=7)


def test_what_is_printed_stays_the_same() -> None:
    assert KEY.id == "b9ae6544"
    assert KEY.derive_token(ID) == "PF5VC5GER3KXSYSM7SC5SJE2Z4"
    assert KEY.derive_short_code(ID) == "FW7N08XK"
    assert KEY.derive_receipt(b"s", ID) == "3Q6ZWZ23Z7NA3QTXMA3H"


def test_what_is_stored_and_sent_stays_the_same() -> None:
    assert str(KEY.derive_response_id(b"s", ID)) == "b1960a64-8a78-467f-9e8b-098667ae8ebc"
    assert KEY.derive_queue_key(ID).hex().startswith("8c3652e5cf28ded4")
    assert KEY.hash_secret("token", "T").hex().startswith("ddec7f3dda4d61fe")
    assert KEY.hash_client_id(b"s", ID).hex().startswith("41b9c840b6752295")
    assert keyring.derive_case_pseudonym(b"c" * 32, ID) == "LHUZHFU4YN3WQUI2RW7CNDPDT4"
    assert keyring.hash_case_number(b"c" * 32, ID, "1").hex().startswith("17901904a4052f0d")


def test_new_secrets_come_from_the_first_key_and_every_key_is_found_by_its_id() -> None:
    both = Keyring.from_secrets([b"new" * 11, b"old" * 11])

    assert both.signing_key == both.keys[0]
    assert [both.get_key(key.id) for key in both.keys] == list(both.keys)
    with pytest.raises(LookupError):
        both.get_key(KEY.id)
    assert both.hash_secret_with_all("token", "T") == [key.hash_secret("token", "T") for key in both.keys]


@pytest.mark.parametrize("text", ["", "K7Q2", "0" * 26, "Ї" * 26])
def test_a_text_that_can_be_no_token_is_none(text: str) -> None:
    assert keyring.normalise_token(text) is None


@pytest.mark.parametrize("glued", [".", ")", "»", ",", "\u200b", "…", "!", '"', "\u00a0"])
def test_signs_that_a_message_glues_to_a_link_are_no_part_of_the_token(glued: str) -> None:
    token = KEY.derive_token(ID)

    assert keyring.normalise_token(f"{token}{glued}") == token
    assert keyring.normalise_token(f"{token.lower()}{glued}") == token


def test_a_code_is_read_without_separators_and_look_alikes_and_printed_in_fours() -> None:
    assert keyring.normalise_code(" k7q2-o7i3 ") == "K7Q20713"
    assert keyring.normalise_code("K7Q2-Щ7I3") is None
    assert keyring.format_code("K7Q27K3M9QXT") == "K7Q2-7K3M-9QXT"
