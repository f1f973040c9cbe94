"""Open311 GeoReport v2 at the wire: reading what clients post, and writing JSON and XML that strict clients accept.

The standard: wiki.open311.org, GeoReport v2 and Service Discovery; FixMyStreet's `servicerequestupdates` beside it.
"""
