"""Centres of administrative services: the register, opening hours, codes of the State."""
