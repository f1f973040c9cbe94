"""The Open311 server: GeoReport v2 with its discovery, and FixMyStreet's `servicerequestupdates`.

It stands beside Django's own middleware, not behind it: partners have a key, no session and no cookie, and a report is
acknowledged in the time that Django needs to find out that nobody is signed in. `door` is the one way in, for the
server (`saat.config.asgi`) and for the address table (`urls`) alike.
"""
