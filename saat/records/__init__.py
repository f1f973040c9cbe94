"""The one Django app: models, constraints, migrations, and the reads.

A model guards its truth in the database and has no rules. Reads are in `queries` and its neighbours; each that serves
a person asks for the user.
"""
