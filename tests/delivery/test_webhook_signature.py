"""Standard Webhooks: the published example, replacing a secret, and requests that a receiver must refuse."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback_service.config import BadSettings, Settings
from feedback_service.delivery import webhook_signature
from feedback_service.delivery.webhook_signature import BadSignature
from feedback_service.setting_parsers import parse_webhook_secrets
from tests.support.environment import build_environment

SENT_AT = datetime.fromtimestamp(1614265330, UTC)
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
[PUBLISHED] = parse_webhook_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ANOTHER = bytes(range(32))


def test_the_signature_matches_the_published_example() -> None:
    headers = webhook_signature.sign_request(MESSAGE_ID, SENT_AT, BODY, [PUBLISHED])

    assert headers == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert webhook_signature.verify_signature(headers, BODY, [PUBLISHED], now=SENT_AT) == MESSAGE_ID


@pytest.mark.parametrize("sender", [[PUBLISHED, ANOTHER], [ANOTHER, PUBLISHED], [PUBLISHED]])
@pytest.mark.parametrize("receiver", [[PUBLISHED], [PUBLISHED, ANOTHER], [ANOTHER, PUBLISHED]])
def test_while_a_secret_is_replaced_one_common_secret_is_enough(sender: list[bytes], receiver: list[bytes]) -> None:
    assert (
        webhook_signature.verify_signature(
            webhook_signature.sign_request(MESSAGE_ID, SENT_AT, BODY, sender), BODY, receiver, now=SENT_AT
        )
        == MESSAGE_ID
    )


@pytest.mark.parametrize(
    "changed",
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
def test_a_changed_header_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        webhook_signature.verify_signature(
            webhook_signature.sign_request(MESSAGE_ID, SENT_AT, BODY, [PUBLISHED]) | changed,
            BODY,
            [PUBLISHED],
            now=SENT_AT,
        )


def test_another_body_another_secret_or_another_time_is_refused() -> None:
    headers = webhook_signature.sign_request(MESSAGE_ID, SENT_AT, BODY, [PUBLISHED])

    for body, secrets, now in (
        (BODY + b" ", [PUBLISHED], SENT_AT),
        (BODY, [ANOTHER], SENT_AT),
        (BODY, [], SENT_AT),
        (BODY, [PUBLISHED], SENT_AT + timedelta(minutes=5, seconds=1)),
        (BODY, [PUBLISHED], SENT_AT - timedelta(minutes=5, seconds=1)),
    ):
        with pytest.raises(BadSignature):
            webhook_signature.verify_signature(headers, body, secrets, now=now)
    assert webhook_signature.verify_signature(headers, BODY, [PUBLISHED], now=SENT_AT + timedelta(minutes=5))


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\n"])
def test_two_secrets_may_be_set(separator: str) -> None:
    texts = [f"whsec_{base64.b64encode(secret).decode()}" for secret in (PUBLISHED, ANOTHER)]

    assert parse_webhook_secrets(separator.join(texts)) == (PUBLISHED, ANOTHER)


@pytest.mark.parametrize("secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAA", "whsec_%", " , "])
def test_a_weak_secret_is_refused_at_start(tmp_path: Path, secret: str) -> None:
    environment = build_environment(tmp_path, "sqlite://") | {"FEEDBACK_CENTRAL_SECRET": secret}

    with pytest.raises(BadSettings, match="FEEDBACK_CENTRAL_SECRET"):
        Settings.from_env(environment)
