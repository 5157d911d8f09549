"""Centres of administrative services: which there are, and the codes that the State gave them."""
