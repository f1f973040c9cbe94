"""Wiring: settings, addresses, the server and the `saat` command.

Which database, which links are live, which rooms meet: decided here and nowhere else. This room may import every
other; none imports it.
"""
