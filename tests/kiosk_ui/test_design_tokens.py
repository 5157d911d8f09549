"""Design tokens: every pair of colours that meets on a page has enough contrast, in every set of colours."""

import re
from itertools import product

import pytest

from kiosk_ui.assets import STATIC

TEXT, OUTLINE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11

PAIRS = [
    *(
        (text, ground, TEXT)
        for text, ground in product(("ink", "quiet", "accent", "accent-strong"), ("ground", "surface"))
    ),
    ("ink", "accent-soft", TEXT),
    ("accent-strong", "accent-soft", TEXT),
    ("accent", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("warn", "ground", TEXT),
    ("warn", "warn-soft", TEXT),
    ("ink", "warn-soft", TEXT),
    ("on-warn", "warn", TEXT),
    ("skin-ink", "skin", OUTLINE),
    *((line, "ground", OUTLINE) for line in ("line", "accent", "warn", "focus")),
    ("line", "surface", OUTLINE),
    ("focus", "surface", OUTLINE),
    ("focus", "focus-gap", OUTLINE),
]


def read_colour_sets() -> dict[str, dict[str, str]]:
    """Return the colours of each set; what a set leaves out it takes from the set before it."""
    css = (STATIC / "tokens.css").read_text()
    blocks = re.findall(r"(?:@media ([^{]+)\{\s*)?:root \{([^}]*)\}", css)
    defined = {query.strip(): dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body)) for query, body in blocks}
    dark, more = "(prefers-color-scheme: dark)", "(prefers-contrast: more)"
    light = defined[""]
    return {
        "light": light,
        "dark": light | defined[dark],
        "light, more contrast": light | defined[more],
        "dark, more contrast": light | defined[dark] | defined[more] | defined[f"{more} and {dark}"],
    }


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, 0 to 1 (WCAG 2.2, glossary)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, glossary)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", read_colour_sets())
def test_every_pair_of_colours_can_be_told_apart(name: str) -> None:
    tokens = read_colour_sets()[name]

    weak = {
        f"{one} on {other}": round(contrast(tokens[one], tokens[other]), 2)
        for one, other, least in PAIRS
        if contrast(tokens[one], tokens[other]) < least
    }

    assert not weak


def test_colours_are_chosen_in_the_token_table_only() -> None:
    sheets = {sheet.name: sheet for sheet in STATIC.glob("*.css")}

    assert {"tokens.css", "charts.css"} <= sheets.keys()
    for sheet in sheets.values():
        if sheet.name != "tokens.css":
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", sheet.read_text()), sheet.name


def test_every_token_that_is_used_exists() -> None:
    defined = set(re.findall(r"--([\w-]+):", (STATIC / "tokens.css").read_text()))
    used = {name for sheet in STATIC.glob("*.css") for name in re.findall(r"var\(--([\w-]+)\)", sheet.read_text())}

    assert used <= defined
    assert defined <= used, "a token that nobody uses"
