"""What every answer of a door carries, unless the answer itself says otherwise."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import Flask


def always(app: Flask, headers: Mapping[str, str], concerns: Callable[[str], bool]) -> None:
    """Answers to paths that ``concerns`` accepts carry these headers.

    They are added where the answer leaves Flask: each header that passes through its objects costs several times more.
    """
    answer, pairs = app.wsgi_app, tuple(headers.items())

    def answer_with_headers(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def started(status: str, said: list[tuple[str, str]], *error: Any) -> Any:
            names = {name for name, _ in said}
            return start(status, [*said, *(pair for pair in pairs if pair[0] not in names)], *error)

        return answer(environ, started if concerns(environ["PATH_INFO"]) else start)

    app.wsgi_app = answer_with_headers  # type: ignore[assignment, method-assign]
