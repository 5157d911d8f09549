"""The made-up systems around the service behind one port: the portal, and the central system for all else."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from feedback_service.sandbox import portal
from feedback_service.sandbox.central import app as central

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def from_env() -> "WSGIApplication":
    """Create both as the launcher starts them; they do not know each other."""
    apps_by_prefix = {"portal": portal.from_env()}
    central_app = central.from_env()

    def dispatch_request(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        first_segment = environ["PATH_INFO"].split("/")[1:2]
        return apps_by_prefix.get("".join(first_segment), central_app)(environ, start_response)

    return dispatch_request
