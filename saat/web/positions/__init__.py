"""Positions come in here: a lane of its own beside Django, so that a small machine hears every truck of many cities."""
