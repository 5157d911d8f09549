"""Questionnaires as dated documents, checking answers against them, and the privacy guard for comments."""
