"""What became of invitations is known after the way down and up, also where they were purged meanwhile."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_service.app import create_app
from feedback_service.config import Settings
from feedback_service.database import db, transaction
from feedback_service.flow import maintenance
from feedback_service.models import Centre, CountRollup
from tests.support import stored
from tests.support.database import FreshDatabase, run_flask_db
from tests.support.environment import build_environment
from tests.support.story import CENTRE, create_centre

LONG_AGO = date(2022, 2, 1)
COUNTS = '{"offline":{"":{"#":{"invited":9,"answered":3}}}}'


@transaction
def invitations_were_counted(tx: Session) -> None:
    """Of a day that is so long ago that its invitations are gone."""
    centre_id = tx.scalars(select(Centre.id).where(Centre.code == CENTRE)).one()
    facts = {"subject": "invitations", "by": "whole", "span": "day", "day": LONG_AGO, "key": ""}
    tx.add(CountRollup(centre_id=centre_id, counts=COUNTS, headlines="", **facts))


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_is_stored_of_purged_invitations_survives_the_way_down_and_up(
    dialect: str, fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    told = build_environment(tmp_path, fresh_database(dialect))
    app = create_app(Settings.from_env(told))
    with app.app_context():
        create_centre()
        create_centre("SN12000008")
        invitations_were_counted()
        db.engine.dispose()

    run_flask_db(told, "downgrade", "0006")
    run_flask_db(told, "upgrade")

    with app.app_context():
        known = {centre.code: centre.purged_until for centre in stored.read_rows(Centre)}
        assert known == {CENTRE: LONG_AGO, "SN12000008": None}
        maintenance.recount_days()
        assert [tally.counts for tally in stored.read_rows(CountRollup)] == [COUNTS]
        db.engine.dispose()
