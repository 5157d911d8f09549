"""Whether text stayed text: pages and pictures in which nothing runs and nothing came in from what people typed."""

from collections.abc import Iterable
from html.parser import HTMLParser
from xml.etree import ElementTree

from tests.support.payloads import PAYLOADS

# What our templates are made of; a payload that got out of its place would bring something else.
_TAGS = """
    a article b body button caption circle details dd div dl dt ellipse fieldset footer form g h1 h2 h3 head header
    html img input label legend li line link main meta nav ol option output p path polygon polyline rect section select
    small span summary svg table tbody td text textarea tfoot th thead time title tr tspan ul desc use symbol defs
"""
TAGS = frozenset(_TAGS.split())
_OURS = ("/", "#", "?", "http://127.0.0.1", "mailto:")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.alive: list[str] = []
        self.read: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script":
            if not (given.get("src") or "").startswith("/assets/"):
                self.alive.append("a script in the page")
        elif tag not in TAGS:
            self.alive.append(f"<{tag}>")
        for name, value in given.items():
            self.read.append(value or "")
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.alive.append(f"<{tag} {name}>")
            if name in ("href", "src", "action", "xlink:href") and not (value or "").startswith(_OURS):
                self.alive.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        self.read.append(data)


def alive(html: str) -> list[str]:
    """What in the page could run, or is nothing that we put there; empty when all typed text stayed text."""
    reader = _Reader()
    reader.feed(html)
    return reader.alive


def read(html: str) -> str:
    """Everything that can be read in the page, attributes too."""
    reader = _Reader()
    reader.feed(html)
    return "\n".join(reader.read)


def alive_in_svg(drawn: bytes) -> list[str]:
    """The same for a picture; one that is no well-formed XML raises ``ParseError``."""
    found = []
    for element in ElementTree.fromstring(drawn).iter():
        tag = element.tag.rpartition("}")[2]
        if tag not in TAGS:
            found.append(f"<{tag}>")
        found += [
            f"<{tag} {name}>" for name in element.attrib if name.lower().startswith("on") or "href" in name
        ]
    return found


def packed(longest: int, payloads: Iterable[str] = PAYLOADS) -> list[str]:
    """All payloads, as few texts as hold them in ``longest`` characters each."""
    texts = [""]
    for payload in payloads:
        if len(texts[-1]) + len(payload) + 1 > longest:
            texts.append("")
        texts[-1] += f" {payload}"
    return [text.strip() for text in texts]
