"""Long lists are shown in pages, so that no page grows with the database, and some may be searched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

PAGE_SIZE = 50  # items on a page
MAX_SEARCH_LENGTH = 100  # characters; the rest is not looked for

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListPage(Generic[T]):
    """Some items of a list; ``page`` counts from 1."""

    items: Sequence[T]
    page: int
    pages: int


def asked_page() -> int:
    """Return the number of the page that the address asks for, or 1 if it asks for none or nonsense."""
    number = request.args.get("page", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 9 else 1


def cut_page(items: Sequence[T]) -> ListPage[T]:
    """Return the page of the list that the address asks for, or the nearest one."""
    pages = max(1, -(-len(items) // PAGE_SIZE))
    page = min(max(asked_page(), 1), pages)
    return ListPage(items[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], page, pages)
