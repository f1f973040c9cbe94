"""Measure the follower, its predictions and its findings on simulated nights whose truth is known."""
