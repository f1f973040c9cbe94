"""Doors for people and machines: pages, forms, the typed API, the Open311 server.

A view translates what came in to terms, makes one call to `actions` or `records`, and translates the answer back.
No rules live here.
"""
