"""Who goes there instead.

Here will live, all of it pure: given the stops that were missed and the trucks that still can, which stop goes to which
truck, in what order and by when, and what that costs the stops they were going to serve anyway.
"""
