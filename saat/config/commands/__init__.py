"""One module for each `saat` command: `HELP`, `options(parser)` and `run(options)`.

Options are read before Django's settings, which depend on them; so a module imports models only within `run`.
"""
