"""Secrets and personal data that were sent to the service are neither in the database nor in any log."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from tests.support.database import FreshDatabase
from tests.support.outside import (
    CENTRE,
    add_centre,
    add_key,
    give_first_answer,
    make_case,
    open_client,
    register_case,
    submit_form,
    survey_path,
)
from tests.support.server import RunningService

CASE_NUMBER = "ЦНАП-2026/777123"
PHONE = "+380 67 765 43 21"
EMAIL = "skarha@poshta.example"
STREET_NUMBER = "3175405938"  # a tax number, told together with an address
PASSWORD = "Zovsim-taiemne-haslo-77"
ADDRESS = "203.0.113.77"
BROWSER = "TestPhone/17 (very unusual)"


def everything_in(url: str) -> str:
    """Return every table as text, and on SQLite the raw bytes of its files too."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        with sqlite3.connect(path) as link:
            dump = "\n".join(link.iterdump())
        files = [file.read_bytes() for file in path.parent.glob(path.name + "*")]
        return dump + "\n".join(file.decode("utf-8", "ignore") for file in files)
    with psycopg.connect(url.replace("+psycopg", "")) as link:
        tables = link.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return "\n".join(repr(link.execute(f'SELECT * FROM "{table}"').fetchall()) for (table,) in tables)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_secret_and_no_personal_data_stay_behind(
    tmp_path: Path, fresh_database: FreshDatabase, dialect: str
) -> None:
    url = fresh_database(dialect)
    with RunningService(tmp_path, url) as service:
        add_centre(service)
        key = add_key(service, "cases:write", "cases:read", "responses:write", "summaries:read")
        person = {"X-Forwarded-For": ADDRESS, "Forwarded": f"for={ADDRESS}", "User-Agent": BROWSER}
        with open_client(service, key) as case_system, open_client(service) as phone:
            phone.headers.update(person)
            case = register_case(case_system, make_case(CASE_NUMBER))
            path, code = survey_path(case), case["invitation"]["short_code"]
            assert phone.post("/", data={"code": code}).status_code == 303
            client = give_first_answer(phone, path, {"off.nps": "2"})
            comment = f"Дзвоніть {PHONE} або {EMAIL}, податковий номер {STREET_NUMBER}"
            phone.post(path, data={"any.comment": comment, "client_id": client, "rest": "1"})
            receipt = submit_form(phone, path, {"any.comment": comment}, client).headers["location"]
            phone.get(receipt)
            phone.get(f"{path}/qr.svg")
            phone.get(f"{path}/slip-58.png")
            phone.get(f"/S/{'Z' * 26}")
            phone.post("/masked", data={"any.comment": comment})
            case_system.post("/api/v1/cases", content=b'{"case_number": "' + CASE_NUMBER.encode() + b'", ')
            case_system.post("/api/v1/cases", json=make_case(CASE_NUMBER, status=PHONE, phone=PHONE))
            case_system.get(f"/api/v1/cases/{case['id']}")
            case_system.get("/api/v1/summaries", params={"centre": CENTRE, "by": PHONE})
            phone.get("/api/v1/cases", headers={"Authorization": f"Bearer {key}x"})
            phone.request("GET", f"/{PHONE}?{EMAIL}")
            attempt = {"email": EMAIL, "password": PASSWORD}
            phone.post("/admin/sign-in", data=attempt, headers={"Sec-Fetch-Site": "same-origin"})
            phone.get(f"/admin/set-password/{PASSWORD}")
        written = everything_in(url)
    logged = service.log.read_text()

    token, receipt_code = path.rsplit("/", 1)[-1], receipt.split("?")[0].rsplit("/", 1)[-1]
    secrets = [token, receipt_code, receipt_code.replace("-", ""), code, code.replace("-", ""), code[5:]]
    personal = [CASE_NUMBER, "777123", PHONE, PHONE.replace(" ", ""), "765 43 21", EMAIL, STREET_NUMBER]
    for gone in [*secrets, *personal, key, key[4:], client, ADDRESS, BROWSER, PASSWORD]:
        assert gone.lower() not in written.lower(), f"{gone} is in the database"
        assert gone.lower() not in logged.lower(), f"{gone} is in a log"
    assert "Дзвоніть" in written, "the rest of the comment is kept"
    assert '"route"' in logged
