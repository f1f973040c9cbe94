"""Who goes there instead.

All of it pure: given the stops that were missed and the trucks that still can, which stop goes to which truck, in what
order and by when, and what that costs the stops they were going to serve anyway. A plan is there at once (`greedy`) and
is checked by rules that made none of it (`checking`). Here will also live the search for better plans.
"""
