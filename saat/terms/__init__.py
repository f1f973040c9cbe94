"""Words: frozen values and enums that every room shares, with units, distances, working time and the service day.

Imports nothing of Saat.
"""
