"""A form that was sent when its session was over: it travels through the sign-in and is offered again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, url_for

from kiosk_ui.pages import current_path

FORM_FIELD = "kept"
_SECRET_FIELDS = ("password", "current", "code", "csrf", FORM_FIELD)  # typed anew, or worthless by then
_ADMIN_ADDRESS = re.compile(
    r"/admin/[!-\[\]-~]*"
)  # an own path: printable ASCII, no backslash, and never //somewhere


@dataclass(frozen=True, slots=True)
class SavedForm:
    """Where somebody wanted to go, and the form they sent there if they did."""

    target_url: str
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_request(cls) -> "SavedForm":
        """What this request wanted."""
        query = request.query_string.decode("ascii", "ignore")
        target_url = admin_url_or_home(f"{current_path()}?{query}" if query else current_path())
        if request.method != "POST":
            return cls(target_url)
        fields = request.form.items(multi=True)
        return cls(target_url, tuple((name, value) for name, value in fields if name not in _SECRET_FIELDS))

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> "SavedForm":
        """What a sign-in form carries along; the first page when it carries nothing of ours."""
        try:
            saved = json.loads(form.get(FORM_FIELD, ""))
            fields = tuple((str(name), str(value)) for name, value in saved["fields"])
            "".join(map("".join, fields)).encode()  # half a character cannot be shown again
            return cls(admin_url_or_home(saved["to"]), fields)
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls(admin_url_or_home(request.args.get("next", "")))

    @property
    def json_text(self) -> str:
        """The same as the value of a hidden field."""
        return json.dumps({"to": self.target_url, "fields": self.fields}, ensure_ascii=False)


def admin_url_or_home(address: object) -> str:
    """The address if it leads to a page of the administration, else its first page."""
    if isinstance(address, str) and _ADMIN_ADDRESS.fullmatch(address) and "/admin//" not in address:
        return address
    return url_for("admin.home")
