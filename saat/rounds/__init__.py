"""Understand a truck.

All of it pure: `cleaning` refuses what cannot be, `tracks` folds positions into visits and a path, `fitting` holds a
track against a run (`matching` its visits, `passing` its path, `kerb` the lines), `judging` and `deciding` say what
became of each stop, `assigning` whose run it is, `following` keeps one run up to date, `forecasting` and `finding` look
ahead. `thresholds` holds every figure; docs/follower.md says why. A silent tracker gives `unknown`, never `missed`.
"""
