"""Tablets: their keys and pairing, the texts of their screens, signals of hasty answers."""
