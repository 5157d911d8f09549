"""What a comment will look like once it is kept, shown before it is sent."""

from dataclasses import dataclass

from feedback_service.surveys.answers import STRANGE_CHARACTERS, TOO_LONG
from feedback_service.surveys.privacy import mask
from feedback_service.text import clean
from kiosk_ui.languages import told


@dataclass(frozen=True, slots=True)
class Preview:
    """The text as it will be kept and whether anything in it is hidden; or why it cannot be kept."""

    text: str = ""
    hides: bool = False
    problem: str = ""

    @classmethod
    def of(cls, typed: str, limit: int) -> "Preview":
        """Look at a comment of at most ``limit`` characters."""
        try:
            text = clean(typed.replace("\r\n", "\n")).strip()
        except ValueError:
            return cls(problem=told(STRANGE_CHARACTERS))
        if len(text) > limit:
            return cls(problem=told(TOO_LONG, {"length": len(text), "limit": limit}))
        masked = mask(text)
        return cls(masked.text, bool(masked.kinds))
