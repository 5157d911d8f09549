"""One-time codes by RFC 6238, and the encryption of their secret."""

import base64
import uuid
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from feedback_service.access import second_factor

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
NOW = datetime(2026, 11, 20, 10, 15, 10, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


# RFC 6238, appendix B, SHA-1; its codes have eight digits, ours the last six of them.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_match_the_rfc(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)

    assert second_factor.find_time_step(RFC_SECRET, code[-6:], at, after=None) == seconds // 30


@pytest.mark.parametrize(("seconds_off", "accepted"), [(-31, True), (0, True), (31, True), (-75, False), (75, False)])
def test_a_clock_may_be_one_step_off(seconds_off: int, accepted: bool) -> None:
    secret = second_factor.new_secret()
    code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=seconds_off))

    assert (second_factor.find_time_step(secret, code, NOW, after=None) is not None) is accepted


def test_a_code_is_not_accepted_twice_nor_an_earlier_one_after_it() -> None:
    secret = second_factor.new_secret()
    current, previous = (pyotp.TOTP(secret).at(NOW - timedelta(seconds=ago)) for ago in (0, 30))

    assert second_factor.find_time_step(secret, current, NOW, after=STEP) is None
    assert second_factor.find_time_step(secret, previous, NOW, after=STEP) is None
    assert second_factor.find_time_step(secret, current, NOW, after=STEP - 1) == STEP


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "12 34"])
def test_other_text_is_refused_without_an_error(typed: str) -> None:
    assert second_factor.find_time_step(RFC_SECRET, typed, NOW, after=None) is None


def test_a_code_may_be_typed_in_groups() -> None:
    code = pyotp.TOTP(RFC_SECRET).at(NOW)
    assert second_factor.find_time_step(RFC_SECRET, f" {code[:3]} {code[3:]} ", NOW, after=None) == STEP


def test_the_sealed_secret_opens_with_its_key_and_for_its_user_only() -> None:
    key, user, secret = b"k" * 32, uuid.uuid4(), second_factor.new_secret()
    sealed = second_factor.seal_secret(key, user, secret)

    assert second_factor.open_secret(key, user, sealed) == secret
    assert second_factor.open_secret(b"x" * 32, user, sealed) is None
    assert second_factor.open_secret(key, uuid.uuid4(), sealed) is None
    assert second_factor.open_secret(key, user, sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert secret.encode() not in sealed
    assert sealed != second_factor.seal_secret(key, user, secret)


def test_the_address_names_the_service_and_the_user() -> None:
    address = second_factor.build_provisioning_uri("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "olena@rada.example")

    assert address.startswith("otpauth://totp/Vidhuk:olena%40rada.example?")
    assert "secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" in address and "issuer=Vidhuk" in address
