"""Saat: from a resident's report, or a truck's track, to somebody who goes there, and proof that they did."""

__version__ = "0.1.0"
