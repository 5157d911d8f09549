"""Commands for tablets."""

import json
from pathlib import Path

from feedback_service.flow import tablet_pairing
from tests.cli.conftest import Operator
from tests.support.story import CENTRE, create_centre


def test_a_tablet_is_added_listed_paired_again_and_revoked(operator: Operator, context: None) -> None:
    create_centre()
    add = ("device", "add", "--centre", CENTRE, "--name", "Вікно 3", "--mode")
    assert "workplace" in operator.run_failing(*add, "desk")
    assert "SN05000009" in operator.run_failing("device", "add", "--centre", "SN05000009", *add[4:], "hall")

    code = operator.run_successfully(*add, "desk", "--workplace", "window-3").splitlines()[-1]

    assert tablet_pairing.pair_tablet(code).workplace == "window-3"
    printed = json.loads(operator.run_successfully("device", "list", "--centre", CENTRE))
    assert (printed["name"], printed["mode"], printed["revoked_at"]) == ("Вікно 3", "desk", None)
    new_code = operator.run_successfully("device", "code", printed["id"], "--centre", CENTRE).splitlines()[-1]
    key = tablet_pairing.pair_tablet(new_code).key
    operator.run_successfully("device", "revoke", printed["id"], "--centre", CENTRE)
    tablet = tablet_pairing.find_tablet(key)
    assert tablet is not None and tablet.revoked_at is not None
    assert "nothing here" in operator.run_failing("device", "revoke", printed["id"], "--centre", "SN05000009")


def test_a_file_that_no_tablet_saved_is_refused_in_one_sentence(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "queue.json"
    for text in ("{}", "[]", '{"vidhuk": "tablet-queue", "device": "x", "items": []}'):
        file.write_text(text)
        assert operator.run_failing("device", "import", str(file)) == "Error: This is no file that a tablet saved."
