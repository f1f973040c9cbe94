"""Doors without a request: the outbox sender, the deadline clock, and the follower of the trucks.

They read the time, ask the same actions as the pages do, and hand what is queued to the links.
"""
