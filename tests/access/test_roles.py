"""What each role may do, and what its scope means."""

import pytest

from feedback_service.access import roles
from feedback_service.vocabulary import ROLES


def test_comments_and_breaches_are_for_the_head_alone() -> None:
    for right in (roles.COMMENTS, roles.BREACHES, roles.REPORTS):
        assert [role for role in ROLES if roles.has_right(role, right)] == ["head"]


def test_the_operator_sees_no_answers_not_even_added_up() -> None:
    assert not roles.has_right("operator", roles.AGGREGATES)
    assert all(roles.has_right(role, roles.AGGREGATES) for role in ROLES if role != "operator")
    assert not {"summaries:read", "reports:read"} & set(roles.list_key_scopes("operator"))


def test_who_looks_from_above_changes_nothing() -> None:
    for role in ("council", "provider", "oblast", "central_body", "ministry"):
        assert roles.RIGHTS[role] == {roles.AGGREGATES}
        assert roles.list_key_scopes(role) == ()


def test_nobody_makes_an_account_that_sees_more_than_its_maker() -> None:
    for maker, made in roles.GRANTABLE_ROLES.items():
        if maker != "operator":  # who sees nothing himself, and whose every grant is in the centre's journal
            assert all(roles.RIGHTS[role] <= roles.RIGHTS[maker] for role in made)


@pytest.mark.parametrize(
    ("role", "typed", "kept"),
    [
        ("administrator", " sn12000007 ", "SN12000007"),
        ("head", "7", "7"),
        ("council", "00032112", "00032112"),
        ("council", "sn12000007", "SN12000007"),
        ("provider", "00032112", "00032112"),
        ("oblast", "UA05020030010063857", "UA05"),
        ("oblast", "ua05", "UA05"),
        ("central_body", "00034", "00034"),
        ("central_body", "*", "*"),
        ("ministry", "*", "*"),
        ("operator", "*", "*"),
    ],
)
def test_a_scope_is_kept_in_one_form(role: str, typed: str, kept: str) -> None:
    assert roles.normalise_scope(role, typed) == kept


@pytest.mark.parametrize(
    ("role", "typed"),
    [
        ("administrator", "*"),
        ("head", ""),
        ("head", "SN12000007 SN12000008"),
        ("provider", "*"),
        ("provider", "SN12000007"),
        ("oblast", "05"),
        ("oblast", "UA0502"),
        ("oblast", "%"),
        ("council", "*"),
        ("ministry", "UA05"),
        ("operator", "SN12000007"),
        ("central_body", "послуга"),
    ],
)
def test_a_scope_that_means_nothing_for_the_role_is_refused(role: str, typed: str) -> None:
    with pytest.raises(ValueError, match=role):
        roles.normalise_scope(role, typed)
