"""Standard Webhooks: the published example, rotation, and what a receiver must not believe."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback_service.config import BadSettings, Settings
from feedback_service.delivery import webhook_signature
from feedback_service.delivery.webhook_signature import BadSignature
from feedback_service.setting_parsers import parse_webhook_secrets
from tests.support.environment import build_environment

AT = datetime.fromtimestamp(1614265330, UTC)
NAME = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
[PUBLISHED] = parse_webhook_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ANOTHER = bytes(range(32))


def test_the_signature_matches_the_published_example() -> None:
    signed = webhook_signature.sign_request(NAME, AT, BODY, [PUBLISHED])

    assert signed == {
        "webhook-id": NAME,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert webhook_signature.verify_signature(signed, BODY, [PUBLISHED], now=AT) == NAME


@pytest.mark.parametrize("sender", [[PUBLISHED, ANOTHER], [ANOTHER, PUBLISHED], [PUBLISHED]])
@pytest.mark.parametrize("receiver", [[PUBLISHED], [PUBLISHED, ANOTHER], [ANOTHER, PUBLISHED]])
def test_while_a_secret_is_rotated_one_in_common_is_enough(
    sender: list[bytes], receiver: list[bytes]
) -> None:
    assert (
        webhook_signature.verify_signature(
            webhook_signature.sign_request(NAME, AT, BODY, sender), BODY, receiver, now=AT
        )
        == NAME
    )


@pytest.mark.parametrize(
    "spoiled",
    [
        {"webhook-id": "msg_another"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "１６１４２６５３３０"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,ґ"},
        {"webhook-signature": "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    ],
)
def test_whatever_is_spoiled_is_not_believed(spoiled: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        webhook_signature.verify_signature(
            webhook_signature.sign_request(NAME, AT, BODY, [PUBLISHED]) | spoiled, BODY, [PUBLISHED], now=AT
        )


def test_another_body_another_secret_or_another_time_is_not_believed() -> None:
    signed = webhook_signature.sign_request(NAME, AT, BODY, [PUBLISHED])

    for body, secrets, now in (
        (BODY + b" ", [PUBLISHED], AT),
        (BODY, [ANOTHER], AT),
        (BODY, [], AT),
        (BODY, [PUBLISHED], AT + timedelta(minutes=5, seconds=1)),
        (BODY, [PUBLISHED], AT - timedelta(minutes=5, seconds=1)),
    ):
        with pytest.raises(BadSignature):
            webhook_signature.verify_signature(signed, body, secrets, now=now)
    assert webhook_signature.verify_signature(signed, BODY, [PUBLISHED], now=AT + timedelta(minutes=5))


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n"])
def test_two_secrets_may_be_set(between: str) -> None:
    written = [f"whsec_{base64.b64encode(secret).decode()}" for secret in (PUBLISHED, ANOTHER)]

    assert parse_webhook_secrets(between.join(written)) == (PUBLISHED, ANOTHER)


@pytest.mark.parametrize("secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA", "whsec_%", " , "])
def test_a_weak_secret_is_refused_at_start(tmp_path: Path, secret: str) -> None:
    given = build_environment(tmp_path, "sqlite://") | {"FEEDBACK_CENTRAL_SECRET": secret}

    with pytest.raises(BadSettings, match="FEEDBACK_CENTRAL_SECRET"):
        Settings.from_env(given)
