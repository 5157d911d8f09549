"""Figures: what the answers of a period say, how certain it is, and what is withheld because too few answered."""
