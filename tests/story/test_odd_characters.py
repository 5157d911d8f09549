"""No door keeps a character that makes two texts look the same: found by looking at every field that takes text.

A field that is added later is tried too. Each is refused by a sentence or brought into normal form; never a fault of
ours, never stored.
"""

import copy
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import click
import pytest
from flask import Flask
from marshmallow import Schema, ValidationError, fields
from sqlalchemy import Text, select
from sqlalchemy.orm import Session

from feedback_service.api.endpoint import TABLET, GuardedView
from feedback_service.api.fields import ListField, shared_schema
from feedback_service.api.openapi import EXAMPLES
from feedback_service.cli.command import Command
from feedback_service.database import Base, reading
from feedback_service.errors import Invalid
from feedback_service.flow import centre_profile, publishing, registers, service_import, sign_in
from feedback_service.flow.row_import import ImportResult
from feedback_service.imports import ImportedRow
from feedback_service.indicators import methodology
from feedback_service.surveys import questionnaires
from tests.api.conftest import NewCaller, centre, new_caller
from tests.cli.conftest import Operator, operator
from tests.kiosk_ui.admin.conftest import SignedIn, centres, quick_passwords, signed_in
from tests.kiosk_ui.admin.test_routes import TABLE, TwoCentres, list_routes, two_centres
from tests.kiosk_ui.outline import Outline
from tests.support import odd_characters, story
from tests.support.odd_characters import find_odd
from tests.support.staff import SCOPES, StaffClient, create_session, create_user
from tests.support.tablets import NewTablet, new_tablet

__all__ = ["centre", "centres", "new_caller", "new_tablet", "operator", "quick_passwords", "signed_in", "two_centres"]

# One character of each kind is enough where each try takes a request; ``test_plain_text`` tries them all.
SAMPLES = {kind: characters[0] for kind, characters in odd_characters.KINDS.items()} | {
    "line break": "\n",
    "line separator": "\u2028",
    "wide space": "\u3000",
    "no-break space": "\u00a0",
}
EXAMPLE_BODIES: Mapping[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
LONG_COLUMNS = {
    f"{table.name}.{column.name}"
    for table in Base.metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, Text)
}
LONG_TEXTS = ("any.comment", "notice", "text", "textarea")  # of several lines: they keep line breaks


def put_into(text: str, character: str) -> Iterator[str]:
    """Yield the text with the character within it, and at both ends."""
    middle = (len(text) + 1) // 2
    yield text[:middle] + character + text[middle:]
    yield character + text
    yield text + character


def put_in_the_middle(text: str, character: str) -> str:
    """Return the text with the character within it."""
    return next(put_into(text, character))


@reading
def read_all_texts(tx: Session) -> dict[str, list[str]]:
    """Return every text of the database by its column; what JSON holds is text too."""
    texts: dict[str, list[str]] = {}
    for table in Base.metadata.sorted_tables:
        for row in tx.execute(select(table)).mappings():
            for column, value in row.items():
                texts.setdefault(f"{table.name}.{column}", []).extend(_texts_within(value))
    return texts


def _texts_within(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from (name, *_texts_within(member))
    elif isinstance(value, list):
        for member in value:
            yield from _texts_within(member)


def assert_nothing_odd_is_stored(field: object, *, lines: bool = False) -> None:
    """No column of any table holds an odd character."""
    found = {
        column: find_odd("".join(texts), lines=lines or column in LONG_COLUMNS)
        for column, texts in read_all_texts().items()
    }
    found = {column: odd for column, odd in found.items() if odd}
    assert not found, f"{field} was stored: {found}"


# The JSON door -----------------------------------------------------------------------------------------------


def list_operations(app: Flask) -> Iterator[tuple[str, str, GuardedView]]:
    """Yield path, method and view of every operation."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if isinstance(view, GuardedView):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.rule, method, view


def operation_name(view: GuardedView) -> str:
    """Return the name under which the body of the operation has its example."""
    return str(getattr(view, "__name__", ""))


def list_leaves(schema: type[Schema] | Schema) -> Iterator[tuple[str, fields.Field[Any]]]:
    """Yield every field that holds no other field, by its path."""
    instance = schema if isinstance(schema, Schema) else shared_schema(schema)
    for name, field in instance.fields.items():
        while isinstance(field, ListField):
            field = field.inner
        if isinstance(field, fields.Nested):
            yield from ((f"{name}.{inner}", leaf) for inner, leaf in list_leaves(field.schema))
        else:
            yield name, field


def test_every_field_of_every_schema_refuses_or_normalises_each_odd_character(app: Flask) -> None:
    tried = set()
    with app.app_context():
        for path, _, view in list_operations(app):
            for schema in (view.operation.takes, view.operation.query):
                for name, field in list_leaves(schema) if schema else ():
                    example = str([*field.metadata.get("examples", ()), *field.metadata.get("enum", ()), "7"][0])
                    for text in (text for odd in odd_characters.ALL for text in put_into(example, odd)):
                        try:
                            kept = field.deserialize(text)
                        except ValidationError:
                            continue
                        assert not isinstance(kept, str) or not find_odd(kept), f"{path} {name} keeps {text!a}"
                    tried.add(name)

    assert {"case_number", "service.title", "cases.workplace", "responses.short_code", "cursor", "centre"} <= tried


def list_texts(body: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every text in a body."""
    if isinstance(body, str):
        yield path
    for name, member in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield from list_texts(member, (*path, name))


def replace_text(body: Any, path: tuple[str | int, ...], change: Callable[[str], str]) -> Any:
    """Return the body with one text changed."""
    changed = copy.deepcopy(body)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = change(place[path[-1]])
    return changed


def make_new(body: Any) -> Any:
    """Return the body as that of somebody who has not answered yet."""
    if isinstance(body, dict):
        return {name: str(uuid.uuid4()) if name == "client_id" else make_new(member) for name, member in body.items()}
    return [make_new(member) for member in body] if isinstance(body, list) else body


@pytest.mark.slow
def test_no_text_of_any_body_is_a_fault_of_ours_or_stored_as_it_came(
    app: Flask, new_caller: NewCaller, new_tablet: NewTablet
) -> None:
    system, tablet = new_caller(), new_tablet()
    operations = [each for each in list_operations(app) if each[2].operation.takes is not None]
    assert {operation_name(view) for *_, view in operations} == set(EXAMPLE_BODIES)
    for rule, method, view in operations:
        body = EXAMPLE_BODIES[operation_name(view)]
        caller = tablet if view.operation.needs == TABLET else system
        for place in list_texts(body):
            for kind, character in SAMPLES.items():
                path = rule.removeprefix("/api/v1")
                if "<token>" in path:
                    with app.app_context():
                        token = story.create_invitation(case_number=str(uuid.uuid4())).token
                    path = path.replace("<token>", token)
                changed = replace_text(make_new(body), place, partial(put_in_the_middle, character=character))
                reply = caller.send_request(method, path, data=json.dumps(changed), content_type="application/json")
                assert reply.status_code < 500, f"{path} {place} {kind}: {reply.text}"
            with app.app_context():
                assert_nothing_odd_is_stored((rule, place), lines=place[-1] in LONG_TEXTS)


# Commands and files ------------------------------------------------------------------------------------------

# Ordinary values of arguments and options by name; what is not named here is "1".
ORDINARY = {
    "code": story.CENTRE,
    "codes": story.CENTRE,
    "centre": story.CENTRE,
    "centres": story.CENTRE,
    "name": "ЦНАП міста Підзвітне",
    "edrpou": "00032112",
    "katottg": "UA12020010010037010",
    "email": "olena@rada.example",
    "scopes": story.CENTRE,
}


def list_commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below this one, with the words that call it."""
    if not isinstance(group, click.Group):
        yield words, group
        return
    for name, command in group.commands.items():
        yield from list_commands(command, (*words, name))


def write_arguments(command: click.Command, odd_parameter: click.Parameter, text: str) -> list[str]:
    """Return ordinary arguments for what the command needs, and this text for one of them."""
    arguments, options = [], []
    for parameter in command.params:
        if parameter is odd_parameter:
            value = text
        elif not parameter.required:
            continue
        elif isinstance(parameter.type, click.Choice):
            value = str(parameter.type.choices[0])
        elif parameter.type is click.UUID:
            value = str(uuid.uuid4())
        else:
            value = ORDINARY.get(str(parameter.name), "1")
        if isinstance(parameter, click.Argument):
            arguments.append(value)
        else:
            options += [parameter.opts[0], value]
    return [*options, "--", *arguments]


@pytest.mark.slow
def test_no_text_of_any_command_is_a_fault_of_ours_or_stored_as_it_came(
    app: Flask, context: None, operator: Operator
) -> None:
    story.create_centre()
    tried = set()
    for words, command in list_commands(app.cli):
        for parameter in command.params:
            if not isinstance(command, Command) or parameter.type is not click.STRING:
                continue
            tried.add((words, parameter.name))
            for kind, character in SAMPLES.items():
                text = put_in_the_middle(ORDINARY.get(str(parameter.name), "1"), character)
                result = operator.run_command(*words, *write_arguments(command, parameter, text))
                where = f"{' '.join(words)} {parameter.name} {kind}: {result.output} {result.exception!r}"
                assert result.exception is None or isinstance(result.exception, SystemExit), where
                assert result.exit_code in (0, 1, 2), where
            assert_nothing_odd_is_stored((words, parameter.name))

    assert {(("device", "add"), "workplace"), (("user", "add"), "email"), (("centre", "add"), "name")} <= tried


IMPORTS: dict[str, tuple[frozenset[str], Callable[[list[ImportedRow]], ImportResult]]] = {
    "centres": (registers.REQUIRED_CENTRE_COLUMNS | registers.OPTIONAL_CENTRE_COLUMNS, registers.import_centres),
    "services": (
        service_import.REQUIRED_SERVICE_COLUMNS | service_import.OPTIONAL_SERVICE_COLUMNS,
        service_import.import_services,
    ),
}


@pytest.mark.parametrize("kind", IMPORTS)
@pytest.mark.usefixtures("context")
def test_no_cell_of_any_import_is_stored_as_it_came(kind: str) -> None:
    columns, import_rows = IMPORTS[kind]
    story.create_centre()
    ordinary = {column: ORDINARY.get(column, "Витяг") for column in columns}
    assert import_rows([ImportedRow(2, ordinary)]).faults == []
    for column in sorted(columns):
        texts = [text for odd in odd_characters.ALL for text in put_into(ordinary[column], odd)]
        import_rows([ImportedRow(line, ordinary | {column: text}) for line, text in enumerate(texts, start=2)])
        assert_nothing_odd_is_stored((kind, column))


@pytest.mark.slow
@pytest.mark.usefixtures("context")
def test_no_text_of_a_loaded_document_is_stored_as_it_came() -> None:
    publish = {
        questionnaires.DOCUMENTS_FOLDER: publishing.publish_questionnaire,
        methodology.FOLDER: publishing.publish_methodology,
    }
    for folder, publish_document in publish.items():
        document = json.loads(next(folder.glob("*.json")).read_text(encoding="utf-8"))
        for place in list_texts(document):
            changed = replace_text(document, place, partial(put_in_the_middle, character="\u115f"))
            with pytest.raises(Invalid):
                publish_document(changed)
    assert_nothing_odd_is_stored("documents")


# Pages -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("context")
def test_no_field_of_a_centre_s_profile_is_stored_as_it_came() -> None:
    story.create_centre()
    current_user = sign_in.find_current_user(create_session(create_user("administrator")))
    assert current_user is not None
    ordinary = {
        "hours-mon": "09:00–18:00",
        "exceptions": "2026-12-25 зачинено",
        "windows": "window-1 Вікно 1",
    }
    form = centre_profile.read_profile(current_user, story.CENTRE).form
    for name in (name for name, value in form.items() if isinstance(value, str)):
        version = centre_profile.read_profile(current_user, story.CENTRE).version
        for odd in SAMPLES.values():
            text = put_in_the_middle(ordinary.get(name, form[name] or "7"), odd)
            try:
                version += centre_profile.change_profile(current_user, story.CENTRE, version, form | {name: text})
            except Invalid as refusal:
                assert {error.pointer for error in refusal.errors} == {f"/{name}"}
            else:
                assert_nothing_odd_is_stored(name, lines=name in LONG_TEXTS)


TYPED = ("text", "email", "search", "password", "tel", None)  # types of inputs that hold what a person typed


def list_forms(page: Outline) -> Iterator[tuple[str, dict[str, list[str]], dict[str, bool]]]:
    """Yield the address of every form that is posted, its fields, and which typed ones have several lines."""
    for form in page.find_all("form"):
        if form.get("method") != "post":
            continue
        values: dict[str, list[str]] = {}
        typed: dict[str, bool] = {}
        for control in form.walk():
            name = control.get("name")
            if not name or control.tag not in ("input", "textarea", "select"):
                continue
            if control.tag == "textarea" or (control.tag == "input" and control.get("type") in TYPED):
                typed[name] = control.tag == "textarea"
            if control.get("type") not in ("radio", "checkbox") or "checked" in control.attrs:
                value = control.text if control.tag == "textarea" else control.get("value") or ""
                values.setdefault(name, []).append(value)
        yield form["action"], values, typed


@pytest.mark.slow
@pytest.mark.parametrize("role", ["head", "operator"])
def test_no_field_of_any_form_is_a_fault_of_ours_or_stored_as_it_came(
    app: Flask, two_centres: TwoCentres, signed_in: SignedIn, role: str
) -> None:
    me = signed_in(role, *(SCOPES[role],))
    tried = set()
    for path in list_pages(app, two_centres, me):
        reply = me.get(path)
        if reply.status_code != 200 or reply.mimetype != "text/html":
            continue
        for action, values, typed in list_forms(Outline(reply.text)):
            field_names = (re.sub(r"[0-9a-f-]{36}", "", action), *typed)
            if field_names in tried or "sign-out" in action:
                continue
            tried.add(field_names)
            for name, has_lines in typed.items():
                ordinary = values.get(name, [""])[0] or ORDINARY.get(name, "1")
                for kind, character in SAMPLES.items():
                    if kind == "half of a surrogate pair":
                        continue  # a browser cannot send it
                    now_shown = {"version": read_version(me, path)} if "version" in values else {}
                    text = put_in_the_middle(ordinary, character)
                    status = me.post(action, {**values, name: text, **now_shown}).status_code
                    assert status < 500, f"{action} {name} {kind}"
                with app.app_context():
                    assert_nothing_odd_is_stored((action, name), lines=has_lines)

    assert len({name for _, *names in tried for name in names}) >= 10


@pytest.mark.slow
def test_no_field_of_any_public_form_is_a_fault_of_ours_or_stored_as_it_came(app: Flask) -> None:
    visitor, tried = app.test_client(), set()
    with app.app_context():
        story.create_centre()
        token = story.create_invitation().token
    for path in ("/", f"/S/{token}", f"/S/{token}?step=2", f"/C/{story.CENTRE}", f"/C/{story.CENTRE}?step=2"):
        for action, values, typed in list_forms(Outline(visitor.get(path).text)):
            for name in typed:
                tried.add(name)
                for kind, character in SAMPLES.items():
                    if kind == "half of a surrogate pair":
                        continue  # a browser cannot send it
                    fields = {**values, "client_id": str(uuid.uuid4()), "finish": "1"}
                    fields[name] = put_in_the_middle("Дякую", character)
                    status = visitor.post(action, data=fields).status_code
                    assert status < 500, f"{action} {name} {kind}"
                with app.app_context():
                    assert_nothing_odd_is_stored((action, name), lines=True)

    assert tried >= {"code", "any.comment"}


def read_version(me: StaffClient, path: str) -> str:
    """Return the version that the page shows now, so that an edit is not refused as an old one."""
    match = re.search(r'name="version" value="(\d+)"', me.get(path).text)
    return match[1] if match else "1"


def list_pages(app: Flask, two_centres: TwoCentres, me: StaffClient) -> list[str]:
    """Return the address of every page of the administration for the own centre."""
    paths = []
    with app.test_request_context():
        for rule, method in list_routes(app):
            kind = TABLE[rule.endpoint][1]
            if method == "GET" and kind not in ("nothing", "session"):
                values = two_centres.url_arguments(kind, own=True, me=me)
                paths.append(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))
    return paths
