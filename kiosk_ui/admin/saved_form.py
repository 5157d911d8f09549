"""A form that was sent after its session had ended. The pages of the sign-in carry it, then it is offered again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, url_for

from kiosk_ui.pages import current_path

FORM_FIELD = "kept"
# Secrets, and what is worthless by then.
_UNSAVED_FIELDS = ("password", "current", "code", "csrf", FORM_FIELD)
# A path of ours is printable ASCII without a backslash; two slashes in a row are refused below.
_ADMIN_ADDRESS = re.compile(r"/admin/[!-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class SavedForm:
    """The address that somebody wanted to open, and the fields of the form if they sent one to it."""

    target_url: str
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_request(cls) -> "SavedForm":
        """Save the address of this request, and its form without secrets."""
        query = request.query_string.decode("ascii", "ignore")
        target_url = admin_url_or_home(f"{current_path()}?{query}" if query else current_path())
        if request.method != "POST":
            return cls(target_url)
        fields = request.form.items(multi=True)
        return cls(target_url, tuple((name, value) for name, value in fields if name not in _UNSAVED_FIELDS))

    @classmethod
    def from_form(cls, form: Mapping[str, str]) -> "SavedForm":
        """Read what a form of the sign-in carries along. Anything that is not ours leads to the first page."""
        try:
            saved = json.loads(form.get(FORM_FIELD, ""))
            fields = tuple((str(name), str(value)) for name, value in saved["fields"])
            "".join(map("".join, fields)).encode()  # half a surrogate pair could not be shown again
            return cls(admin_url_or_home(saved["to"]), fields)
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls(admin_url_or_home(request.args.get("next", "")))

    @property
    def json_text(self) -> str:
        """The saved form as the value of a hidden field."""
        return json.dumps({"to": self.target_url, "fields": self.fields}, ensure_ascii=False)


def admin_url_or_home(address: object) -> str:
    """Return the address if it leads to a page of the administration, else that of the first page."""
    if isinstance(address, str) and _ADMIN_ADDRESS.fullmatch(address) and "/admin//" not in address:
        return address
    return url_for("admin.home")
