"""The typed JSON API of the desk, described by itself at /api/openapi.json.

For officials' own programs (with their session) and for partners (with a key). It makes the same calls as the desk's
pages do, so nobody sees or does more through it.
"""
