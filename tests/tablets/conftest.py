"""Tablets and callers of the API."""

from tests.api.conftest import new_caller
from tests.support.tablets import centre, new_tablet, tablet

__all__ = ["centre", "new_caller", "new_tablet", "tablet"]
