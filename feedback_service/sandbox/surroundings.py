"""The made-up systems around the service, behind one port: the portal, and everything else is central."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from feedback_service.sandbox import portal
from feedback_service.sandbox.central import app as central

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def from_env() -> "WSGIApplication":
    """Both, as the launcher starts them; they know nothing of each other."""
    rooms = {"portal": portal.from_env()}
    rest = central.from_env()

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        first = environ["PATH_INFO"].split("/")[1:2]
        return rooms.get("".join(first), rest)(environ, start_response)

    return app
