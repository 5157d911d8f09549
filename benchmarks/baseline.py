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

QUESTIONNAIRE = next(one for one in questionnaires.load_shipped() if one.front_office == "offline")
CREATE_TABLE = "CREATE TABLE IF NOT EXISTS said (client TEXT PRIMARY KEY, survey TEXT NOT NULL, answers TEXT NOT NULL)"

app = Flask(__name__)
_thread_local = threading.local()


def _build_field(question: questionnaires.Question) -> fields.Field[Any]:
    if question.kind == "text":
        return fields.String(validate=validate.Length(max=question.max_length))
    choice = fields.String(validate=validate.OneOf(question.values))
    return fields.List(choice) if question.kind == "choices" else choice


AnswersSchema = Schema.from_dict(
    {question.id: _build_field(question) for question in QUESTIONNAIRE.questions}
    | {"client_id": fields.UUID(required=True)}
)
ANSWERS_SCHEMA = AnswersSchema(unknown=EXCLUDE)


def insert_answer(row: tuple[str, str, str]) -> None:
    """Store one durable row by the connection of this thread."""
    if not hasattr(_thread_local, "link"):
        _thread_local.link = open_connection(os.environ["BASELINE_DATABASE"])
    placeholders = "?, ?, ?" if isinstance(_thread_local.link, sqlite3.Connection) else "%s, %s, %s"
    _thread_local.link.execute(f"INSERT INTO said VALUES ({placeholders})", row)


def open_connection(database: str) -> sqlite3.Connection | psycopg.Connection:
    """Open a connection that commits each statement, as durably as the service does."""
    if database.startswith("postgresql"):
        return psycopg.connect(database, autocommit=True)
    driver_connection = sqlite3.connect(database, isolation_level=None, timeout=15)
    driver_connection.execute("PRAGMA journal_mode = WAL")
    driver_connection.execute("PRAGMA synchronous = FULL")
    return driver_connection


@app.get("/healthz")
def healthy() -> ResponseReturnValue:
    """Say that the program runs."""
    return "ok"


@app.get("/S/<token>")
def form(token: str) -> ResponseReturnValue:
    """Show the whole form on one page."""
    return render_template("form.html", questions=QUESTIONNAIRE.questions)


@app.post("/S/<token>")
def send(token: str) -> ResponseReturnValue:
    """Check and store the answers."""
    list_questions = {question.id for question in QUESTIONNAIRE.questions if question.kind == "choices"}
    submission = {
        name: request.form.getlist(name) if name in list_questions else value for name, value in request.form.items()
    }
    try:
        answers = ANSWERS_SCHEMA.load(submission)
    except ValidationError as error:
        return {"errors": error.messages}, 422
    client_id = str(answers.pop("client_id"))
    insert_answer((client_id, token, json.dumps(answers, ensure_ascii=False)))
    return redirect("/thanks", code=303)
