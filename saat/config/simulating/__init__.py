"""Carry `saat simulate` out: write a simulated night to files, send it to a running Saat, or put it into a log."""
