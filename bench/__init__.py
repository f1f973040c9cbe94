"""Measuring Saat on the machine at hand, with the raw floor beside each figure; `make bench` runs all of it."""
