"""Until which day of issue invitations may have been purged, so that a recount keeps stored counts of them.

Earlier purges left no note. So the migration assumes a purge for every day whose counts of invitations are stored.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("centres", sa.Column("purged_until", sa.Date(), nullable=True))
    op.execute(
        "UPDATE centres SET purged_until = (SELECT max(day) FROM tallies"
        " WHERE tallies.centre_id = centres.id AND subject = 'invitations' AND span = 'day')"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE centres DROP COLUMN purged_until")
