"""The register of cases, with the services of a centre, invitations, draft answers and short codes."""
