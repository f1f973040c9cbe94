"""Rules of acting and proving: which move follows which, deadlines, routing, escalation, what counts as proof.

Pure: terms in, terms out, no database and no clock.
"""
