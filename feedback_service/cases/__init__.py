"""The register of cases, with invitations, draft answers and short codes."""
