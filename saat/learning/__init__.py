"""What the city can learn from its own record.

Here will live, all of it pure: indicators after named definitions with their version and uncertainty, equity by area,
how reporting differs from trouble, forecasts, comparison of cities on equal terms, and what a practice changed.
"""
