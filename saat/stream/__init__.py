"""Doors without a request: the outbox sender and the deadline clock, and later the position follower.

They read the time, ask the same actions as the pages do, and hand what is queued to the links.
"""
