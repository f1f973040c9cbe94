"""Signed webhooks: events as CloudEvents 1.0 in JSON, with an HMAC that proves who sent them and when."""
