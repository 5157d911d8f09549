"""A page read as a person with a screen reader meets it, and the house rules that every page keeps."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

VOID = {"area", "base", "br", "hr", "img", "input", "link", "meta", "path", "circle", "use"}
ERROR = ("Помилка: ", "Error: ")


class Element:
    """A tag with its attributes, what is in it, and where it stands."""

    def __init__(self, tag: str, attrs: dict[str, str], parent: "Element | None") -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    def get(self, name: str) -> str | None:
        """The attribute's value, if it is there."""
        return self.attrs.get(name)

    def walk(self) -> "Iterator[Element]":
        """This element and all below it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def text(self) -> str:
        """What can be read in it, with single spaces."""
        return re.sub(r"[ \n]+", " ", self._raw()).strip()

    def _raw(self) -> str:
        return "".join(child if isinstance(child, str) else child._raw() for child in self.children)

    def above(self) -> "Iterator[Element]":
        """The elements around it, from the nearest."""
        at = self.parent
        while at is not None:
            yield at
            at = at.parent


class Outline(HTMLParser):
    """A parsed page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self._at = Element("", {}, None)
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        if tag not in VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._at.children.append(Element(tag, {name: value or "" for name, value in attrs}, self._at))

    def handle_endtag(self, tag: str) -> None:
        assert self._at.tag == tag, f"</{tag}> closes <{self._at.tag}>"
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        self._at.children.append(data)

    def all(self, *tags: str) -> list[Element]:
        """Every element of these tags, in their order."""
        return [element for element in self.root.walk() if element.tag in tags]

    def one(self, tag: str) -> Element:
        """The only element of this tag."""
        [element] = self.all(tag)
        return element

    def field(self, name: str, value: str | None = None) -> Element:
        """The only control of this name (and value)."""
        [control] = [
            control
            for control in self.all("input", "textarea", "button")
            if control.get("name") == name and value in (None, control.get("value"))
        ]
        return control

    def form(self) -> dict[str, list[str]]:
        """What a browser would send without a button: hidden fields, checked ones, typed text."""
        sent: dict[str, list[str]] = {}
        for control in self.all("input", "textarea"):
            chosen = control.get("type") not in ("radio", "checkbox") or "checked" in control.attrs
            if chosen and (name := control.get("name")):
                value = control.text if control.tag == "textarea" else control.get("value") or ""
                sent.setdefault(name, []).append(value)
        return sent


def keep_the_house_rules(html: str) -> Outline:
    """The page's outline, once it kept the rules of every page."""
    page = Outline(html)
    heading, whole = page.one("h1").text, page.one("html")
    title = page.all("title")[0].text  # pictures have titles too

    assert html.startswith("<!doctype html>")
    assert whole["lang"] in ("uk", "en")
    for prefix in ERROR:
        title = title.removeprefix(prefix)
    assert heading and title.startswith(heading), "the title says what the heading says"

    ids = Counter(element["id"] for element in page.root.walk() if "id" in element.attrs)
    assert not [id for id, times in ids.items() if times > 1], "an id names one thing"
    for element in page.root.walk():
        for name in ("aria-describedby", "aria-labelledby", "for", "form"):
            assert set((element.get(name) or "").split()) <= set(ids), f"{name} names what is there"
        href = element.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids, f"{href} leads somewhere"

    labels = {label.get("for") for label in page.all("label")}
    for control in page.all("input", "textarea", "select"):
        wrapped = any(above.tag == "label" and above.text for above in control.above())
        assert control.get("type") == "hidden" or control.get("id") in labels or wrapped, (
            "a field has a label"
        )
    for button in page.all("button", "a", "summary"):
        assert button.text or "hidden" in button.attrs, "what can be pressed says what it does"

    for element in page.root.walk():
        assert not [name for name in element.attrs if name == "style" or name.startswith("on")], (
            "no inline code"
        )
        for name in ("src", "href", "action", "formaction"):
            assert not re.match(r"(https?:)?//", element.get(name) or ""), "nothing from anywhere else"
    for script in page.all("script", "style"):
        assert script.tag == "script" and script.get("src") and not script.children, "no inline code"
    return page
