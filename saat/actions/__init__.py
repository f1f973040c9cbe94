"""Verbs: every write, one function for each thing that happens.

Each takes keywords only, runs in one transaction, locks its row, asks a pure room for the rule, writes, appends an
event and queues the messages that follow from it.
"""
