"""What only a demonstration needs: demo data, a demo portal, the launcher of ``make run``, a central system."""
