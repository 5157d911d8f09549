"""What every answer of a door carries, unless the answer itself says otherwise."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask


def always(app: Flask, headers: Mapping[str, str], concerns: Callable[[str], bool]) -> None:
    """Answers to paths that ``concerns`` accepts carry these headers.

    They are added where the answer leaves Flask: each header that passes through its objects costs several times more.
    """
    answer, pairs = app.wsgi_app, [(name.lower(), (name, value)) for name, value in headers.items()]

    def answer_with_headers(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def started(status: str, said: list[tuple[str, str]], *error: Any) -> Any:
            names = {name.lower() for name, _ in said}
            return start(status, [*said, *(pair for name, pair in pairs if name not in names)], *error)

        path = "/" + environ.get("PATH_INFO", "").lstrip("/")  # as Flask reads it
        return answer(environ, started if concerns(path) else start)

    app.wsgi_app = answer_with_headers  # type: ignore[assignment, method-assign]
