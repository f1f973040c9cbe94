"""One folder for each outside party: decode to terms, encode from terms, a client, and a Null twin.

Only doors call links; actions write an outbox row, and `stream` sends it.
"""
