"""Understand a report: its area, how likely it repeats another, its category and urgency.

Pure: terms in, terms out, no database and no clock.
"""
