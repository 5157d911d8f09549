"""What a comment will look like once it is kept, shown before it is sent."""

from dataclasses import dataclass

from feedback_service.surveys.answers import Refused, comment
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
            kept = comment(typed, limit)
        except Refused as refused:
            return cls(problem=told(refused.detail, refused.params))
        return cls(kept.text, bool(kept.kinds))
