"""The least that a survey can be: Flask, a template, a marshmallow schema, one INSERT through the bare driver.

It knows no cases, no tokens, no languages, no privacy guard and no events; what it acknowledges is as durable.
"""

import json
import os
import sqlite3
import threading
from typing import Any

import psycopg
from flask import Flask, redirect, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from feedback_service.surveys import questionnaires

QUESTIONNAIRE = next(one for one in questionnaires.shipped() if one.front_office == "offline")
TABLE = (
    "CREATE TABLE IF NOT EXISTS said (client TEXT PRIMARY KEY, survey TEXT NOT NULL, answers TEXT NOT NULL)"
)

app = Flask(__name__)
_own = threading.local()


def _field(question: questionnaires.Question) -> fields.Field[Any]:
    if question.kind == "text":
        return fields.String(validate=validate.Length(max=question.max_length))
    one = fields.String(validate=validate.OneOf(question.values))
    return fields.List(one) if question.kind == "choices" else one


Answers = Schema.from_dict(
    {question.id: _field(question) for question in QUESTIONNAIRE.questions}
    | {"client_id": fields.UUID(required=True)}
)
SCHEMA = Answers(unknown=EXCLUDE)


def insert(row: tuple[str, str, str]) -> None:
    """One durable row, on this thread's own connection."""
    if not hasattr(_own, "link"):
        _own.link = connection(os.environ["BASELINE_DATABASE"])
    marks = "?, ?, ?" if isinstance(_own.link, sqlite3.Connection) else "%s, %s, %s"
    _own.link.execute(f"INSERT INTO said VALUES ({marks})", row)


def connection(database: str) -> sqlite3.Connection | psycopg.Connection:
    """A connection that commits each statement, with the durability that the service asks for."""
    if database.startswith("postgresql"):
        return psycopg.connect(database, autocommit=True)
    link = sqlite3.connect(database, isolation_level=None, timeout=15)
    link.execute("PRAGMA journal_mode = WAL")
    link.execute("PRAGMA synchronous = FULL")
    return link


@app.get("/healthz")
def healthy() -> ResponseReturnValue:
    """It runs."""
    return "ok"


@app.get("/S/<token>")
def form(token: str) -> ResponseReturnValue:
    """The whole form on one page."""
    return render_template("form.html", questions=QUESTIONNAIRE.questions)


@app.post("/S/<token>")
def send(token: str) -> ResponseReturnValue:
    """Check and keep."""
    lists = {question.id for question in QUESTIONNAIRE.questions if question.kind == "choices"}
    sent = {
        name: request.form.getlist(name) if name in lists else value for name, value in request.form.items()
    }
    try:
        answers = SCHEMA.load(sent)
    except ValidationError as wrong:
        return {"errors": wrong.messages}, 422
    client = str(answers.pop("client_id"))
    insert((client, token, json.dumps(answers, ensure_ascii=False)))
    return redirect("/thanks", code=303)
