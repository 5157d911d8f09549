"""Figures: what the answers of a period say, how surely, and what stays untold because too few answered."""
