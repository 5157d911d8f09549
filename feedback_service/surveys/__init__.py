"""Questionnaires (dated documents), the check of answers, responses, comments, and the privacy guard."""
