"""What every response of the application has."""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from feedback_service.config import Settings


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/admin", "lang=en", "/admin/?lang=en"),
        ("/S//AAAA", "", "/S/AAAA"),
        ("//S///host.example", "", "/S/host.example"),
    ],
)
def test_a_redirect_to_the_right_form_of_an_address_repeats_no_host(
    client: FlaskClient, path: str, query: str, target: str
) -> None:
    asked = {"PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "evil.example"}

    reply = client.get("/", environ_overrides=asked)

    assert (reply.status_code, reply.location) == (308, target)
    assert "evil.example" not in reply.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("address", ["/healthz", "/api/v1/docs", "/kiosk"])
def test_browsers_keep_to_https_where_the_service_is_reached_by_it(
    app: Flask, client: FlaskClient, settings: Settings, address: str
) -> None:
    name = "Strict-Transport-Security"
    assert name not in client.get(address).headers

    app.config["SETTINGS"] = replace(settings, public_url="https://vidhuk.example")

    assert client.get(address).headers[name] == "max-age=31536000"
