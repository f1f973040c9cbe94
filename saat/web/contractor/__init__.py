"""A contractor's answers through a signed link, without an account."""
