"""Tablets at the command line."""

import json
from pathlib import Path

from feedback_service.flow import tablet_pairing
from tests.cli.conftest import Operator
from tests.support.story import CENTRE, create_centre


def test_a_tablet_is_let_in_watched_given_another_code_and_shut_out(
    operator: Operator, context: None
) -> None:
    create_centre()
    add = ("device", "add", "--centre", CENTRE, "--name", "Вікно 3", "--mode")
    assert "workplace" in operator.run_failing(*add, "desk")
    assert "SN05000009" in operator.run_failing("device", "add", "--centre", "SN05000009", *add[4:], "hall")

    code = operator.run_successfully(*add, "desk", "--workplace", "window-3").splitlines()[-1]

    assert tablet_pairing.pair_tablet(code).workplace == "window-3"
    told = json.loads(operator.run_successfully("device", "list", "--centre", CENTRE))
    assert (told["name"], told["mode"], told["revoked_at"]) == ("Вікно 3", "desk", None)
    again = operator.run_successfully("device", "code", told["id"], "--centre", CENTRE).splitlines()[-1]
    key = tablet_pairing.pair_tablet(again).key
    operator.run_successfully("device", "revoke", told["id"], "--centre", CENTRE)
    tablet = tablet_pairing.find_tablet(key)
    assert tablet is not None and tablet.revoked_at is not None
    assert "nothing here" in operator.run_failing("device", "revoke", told["id"], "--centre", "SN05000009")


def test_a_file_that_no_tablet_saved_is_refused_in_one_sentence(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "queue.json"
    for text in ("{}", "[]", '{"vidhuk": "tablet-queue", "device": "x", "items": []}'):
        file.write_text(text)
        assert (
            operator.run_failing("device", "import", str(file))
            == "Error: This is no file that a tablet saved."
        )
