"""Text as people and systems send it: one normal form, and nothing that lies to the reader."""

import re
import unicodedata

# Controls other than tab and line ends, bidirectional embeddings, overrides and isolates (they can make a
# text read otherwise than it is stored), and halves of surrogate pairs (they cannot be stored at all).
_REFUSED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(value: str) -> str:
    """Return the text in Unicode normal form C; ``ValueError`` if it holds a character we do not take."""
    if _REFUSED.search(value):
        raise ValueError("control, bidirectional or surrogate character")
    return unicodedata.normalize("NFC", value)
