"""Rules of acting and proving: which move follows which, deadlines, escalation, order, permission, what counts as proof.

Pure: terms in, terms out, no database and no clock; `now` is passed in. `docs/rules.md` says the same for officials.
"""
