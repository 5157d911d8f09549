"""Counting: how many answers and invitations there are, stored day by day and month by month, or counted live."""
