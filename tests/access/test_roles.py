"""The rights of each role, and what its scopes mean."""

import pytest

from feedback_service.access import roles
from feedback_service.vocabulary import ROLES


def test_comments_and_breaches_are_for_the_head_alone() -> None:
    for right in (roles.COMMENTS, roles.BREACHES, roles.REPORTS):
        assert [role for role in ROLES if roles.has_right(role, right)] == ["head"]


def test_the_operator_sees_no_answers_and_no_figures() -> None:
    assert not roles.has_right("operator", roles.AGGREGATES)
    assert all(roles.has_right(role, roles.AGGREGATES) for role in ROLES if role != "operator")
    assert not {"summaries:read", "reports:read"} & set(roles.list_key_scopes("operator"))


def test_supervising_roles_only_see_figures() -> None:
    for role in ("council", "provider", "oblast", "central_body", "ministry"):
        assert roles.RIGHTS[role] == {roles.AGGREGATES}
        assert roles.list_key_scopes(role) == ()


def test_nobody_may_add_a_user_who_sees_more() -> None:
    for role, grantable in roles.GRANTABLE_ROLES.items():
        if role != "operator":  # an operator sees no figures, and each grant is in the audit log of the centre
            assert all(roles.RIGHTS[other] <= roles.RIGHTS[role] for other in grantable)


@pytest.mark.parametrize(
    ("role", "typed", "stored"),
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
def test_a_scope_is_stored_in_one_form(role: str, typed: str, stored: str) -> None:
    assert roles.normalise_scope(role, typed) == stored


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
