"""Checks that typed text stayed text: nothing in pages and pictures runs or was added by it."""

from collections.abc import Iterable
from html.parser import HTMLParser
from xml.etree import ElementTree

from tests.support.payloads import PAYLOADS

# What our templates are made of; a payload that got out of its place would bring something else.
_ALLOWED_TAG_NAMES = """
    a article b body button caption circle details dd div dl dt ellipse fieldset footer form g h1 h2 h3 head header
    html img input label legend li line link main meta nav ol option output p path polygon polyline rect section select
    small span summary svg table tbody td text textarea tfoot th thead time title tr tspan ul desc use symbol defs
"""
ALLOWED_TAGS = frozenset(_ALLOWED_TAG_NAMES.split())
_ALLOWED_PREFIXES = ("/", "#", "?", "http://127.0.0.1", "mailto:")


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.active_content: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "script":
            if not (attributes.get("src") or "").startswith("/assets/"):
                self.active_content.append("a script in the page")
        elif tag not in ALLOWED_TAGS:
            self.active_content.append(f"<{tag}>")
        for name, value in attributes.items():
            self.texts.append(value or "")
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.active_content.append(f"<{tag} {name}>")
            if name in ("href", "src", "action", "xlink:href") and not (value or "").startswith(_ALLOWED_PREFIXES):
                self.active_content.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def find_active_content(html: str) -> list[str]:
    """List what in the page could run, or was not put there by us; empty when all typed text stayed text."""
    reader = _PageReader()
    reader.feed(html)
    return reader.active_content


def read_page_text(html: str) -> str:
    """Return all text of the page, with that of attributes."""
    reader = _PageReader()
    reader.feed(html)
    return "\n".join(reader.texts)


def find_active_content_in_svg(svg: bytes) -> list[str]:
    """Do the same for a picture. Raises ``ParseError`` when it is not well-formed XML."""
    findings = []
    for element in ElementTree.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        if tag not in ALLOWED_TAGS:
            findings.append(f"<{tag}>")
        findings += [f"<{tag} {name}>" for name in element.attrib if name.lower().startswith("on") or "href" in name]
    return findings


def pack_payloads(max_length: int, payloads: Iterable[str] = PAYLOADS) -> list[str]:
    """Join all payloads into as few texts as possible, of at most ``max_length`` characters each."""
    texts = [""]
    for payload in payloads:
        if len(texts[-1]) + len(payload) + 1 > max_length:
            texts.append("")
        texts[-1] += f" {payload}"
    return [text.strip() for text in texts]
