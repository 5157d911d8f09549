"""A parsed page, as a screen reader presents it, and the rules that every page keeps."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

VOID_TAGS = {"area", "base", "br", "hr", "img", "input", "link", "meta", "path", "circle", "use"}
ERROR_PREFIXES = ("Помилка: ", "Error: ")


class Element:
    """A tag with its attributes, its children and its parent."""

    def __init__(self, tag: str, attrs: dict[str, str], parent: "Element | None") -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attrs[name]

    def get(self, name: str) -> str | None:
        """Return the value of the attribute, if there is one."""
        return self.attrs.get(name)

    def walk(self) -> "Iterator[Element]":
        """Yield this element and all below it."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def text(self) -> str:
        """The text in it, with single spaces."""
        return re.sub(r"[ \n]+", " ", self._raw_text()).strip()

    def _raw_text(self) -> str:
        return "".join(child if isinstance(child, str) else child._raw_text() for child in self.children)

    def ancestors(self) -> "Iterator[Element]":
        """Yield the elements around it, the nearest first."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent


class Outline(HTMLParser):
    """A parsed page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self._current = Element("", {}, None)
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._current)
        self._current.children.append(element)
        if tag not in VOID_TAGS:
            self._current = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._current.children.append(Element(tag, {name: value or "" for name, value in attrs}, self._current))

    def handle_endtag(self, tag: str) -> None:
        assert self._current.tag == tag, f"</{tag}> closes <{self._current.tag}>"
        assert self._current.parent is not None
        self._current = self._current.parent

    def handle_data(self, data: str) -> None:
        self._current.children.append(data)

    def find_all(self, *tags: str) -> list[Element]:
        """Return every element with one of these tags, in the order of the page."""
        return [element for element in self.root.walk() if element.tag in tags]

    def find_one(self, tag: str) -> Element:
        """Return the only element with this tag."""
        [element] = self.find_all(tag)
        return element

    def find_field(self, name: str, value: str | None = None) -> Element:
        """Return the only control with this name (and value)."""
        [control] = [
            control
            for control in self.find_all("input", "textarea", "button")
            if control.get("name") == name and value in (None, control.get("value"))
        ]
        return control

    def form_data(self) -> dict[str, list[str]]:
        """Return what a browser would send without a button: hidden fields, checked boxes, typed text."""
        form_fields: dict[str, list[str]] = {}
        for control in self.find_all("input", "textarea"):
            is_sent = control.get("type") not in ("radio", "checkbox") or "checked" in control.attrs
            if is_sent and (name := control.get("name")):
                value = control.text if control.tag == "textarea" else control.get("value") or ""
                form_fields.setdefault(name, []).append(value)
        return form_fields


def check_house_rules(html: str) -> Outline:
    """Check the rules of every page and return the parsed page."""
    page = Outline(html)
    heading, html_element = page.find_one("h1").text, page.find_one("html")
    title = page.find_all("title")[0].text  # pictures have titles too

    assert html.startswith("<!doctype html>")
    assert html_element["lang"] in ("uk", "en")
    for prefix in ERROR_PREFIXES:
        title = title.removeprefix(prefix)
    assert heading and title.startswith(heading), "the title says what the heading says"

    ids = Counter(element["id"] for element in page.root.walk() if "id" in element.attrs)
    assert not [element_id for element_id, count in ids.items() if count > 1], "an id names one thing"
    for element in page.root.walk():
        for name in ("aria-describedby", "aria-labelledby", "for", "form"):
            assert set((element.get(name) or "").split()) <= set(ids), f"{name} names what is there"
        href = element.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids, f"{href} leads somewhere"

    labels = {label.get("for") for label in page.find_all("label")}
    for control in page.find_all("input", "textarea", "select"):
        wrapped = any(ancestor.tag == "label" and ancestor.text for ancestor in control.ancestors())
        assert control.get("type") == "hidden" or control.get("id") in labels or wrapped, "a field has a label"
    for button in page.find_all("button", "a", "summary"):
        assert button.text or "hidden" in button.attrs, "what can be pressed says what it does"

    for element in page.root.walk():
        assert not [name for name in element.attrs if name == "style" or name.startswith("on")], "no inline code"
        for name in ("src", "href", "action", "formaction"):
            assert not re.match(r"(https?:)?//", element.get(name) or ""), "nothing from anywhere else"
    for script in page.find_all("script", "style"):
        assert script.tag == "script" and script.get("src") and not script.children, "no inline code"
    return page
