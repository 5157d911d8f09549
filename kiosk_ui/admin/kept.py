"""A form that was sent when its session was over: it travels through the sign-in and is offered again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import request, url_for

from kiosk_ui.pages import path

FIELD = "kept"
_SECRET = ("password", "current", "code", "csrf", FIELD)  # typed anew, or worthless by then
_OURS = re.compile(r"/admin/[!-\[\]-~]*")  # an own path: printable ASCII, no backslash, and never //somewhere


@dataclass(frozen=True, slots=True)
class Kept:
    """Where somebody wanted to go, and the form they sent there if they did."""

    to: str
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_request(cls) -> "Kept":
        """What this request wanted."""
        query = request.query_string.decode("ascii", "ignore")
        to = own(f"{path()}?{query}" if query else path())
        if request.method != "POST":
            return cls(to)
        fields = request.form.items(multi=True)
        return cls(to, tuple((name, value) for name, value in fields if name not in _SECRET))

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "Kept":
        """What a sign-in form carries along; the first page when it carries nothing of ours."""
        try:
            told = json.loads(form.get(FIELD, ""))
            fields = tuple((str(name), str(value)) for name, value in told["fields"])
            "".join(map("".join, fields)).encode()  # half a character cannot be shown again
            return cls(own(told["to"]), fields)
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls(own(request.args.get("next", "")))

    @property
    def written(self) -> str:
        """The same as the value of a hidden field."""
        return json.dumps({"to": self.to, "fields": self.fields}, ensure_ascii=False)


def own(address: object) -> str:
    """The address if it leads to a page of the administration, else its first page."""
    if isinstance(address, str) and _OURS.fullmatch(address) and "/admin//" not in address:
        return address
    return url_for("admin.home")
