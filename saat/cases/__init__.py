"""Rules of acting and proving: moves, deadlines, escalation, order of the desk, permission, what counts as proof.

Pure: terms in, terms out, no database and no clock; `now` is passed in. `docs/rules.md` says the same for officials.
"""
