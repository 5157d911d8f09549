"""Languages are called by their own names."""

import pytest

from feedback_service.i18n import own_name


@pytest.mark.parametrize(("code", "name"), [("uk", "Українська"), ("en", "English"), ("xx-unknown", "xx-unknown")])
def test_a_language_is_called_by_its_own_name(code: str, name: str) -> None:
    assert own_name(code) == name
