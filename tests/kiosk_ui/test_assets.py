"""Vendored files are the published ones, and browsers cache assets for a year."""

import gzip
import hashlib

from flask import Flask
from flask.testing import FlaskClient

from kiosk_ui.assets import BUNDLES, STATIC, asset_url


def test_vendored_files_are_what_was_published() -> None:
    checksums = [line.split() for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines()]

    for digest, name in checksums:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest
    scripts = {path.name for path in (STATIC / "vendor").glob("*.js")}
    assert scripts == {name for _, name in checksums}


def test_an_asset_is_kept_for_a_year_under_an_address_of_its_content(app: Flask, client: FlaskClient) -> None:
    for name in BUNDLES:
        with app.test_request_context():
            path = asset_url(name)

        reply = client.get(path, headers={"Accept-Encoding": "gzip"})

        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert gzip.decompress(reply.data) == client.get(path).data
        assert client.get(f"/assets/{name}?v=old").headers["Cache-Control"] == "no-cache"
        assert client.get(path, headers={"If-None-Match": client.get(path).headers["ETag"]}).status_code == 304
