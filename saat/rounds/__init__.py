"""Understand a truck.

Here will live, all of it pure: cleaning positions, matching a track to the planned round, deciding whether a stop was
served, a run's progress as a fold over positions, and predictions with a score of how good they were. A silent
tracker will give `unknown`, never `missed`.
"""
