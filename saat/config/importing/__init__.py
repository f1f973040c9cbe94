"""What `saat import` does: an operator's file in, one action called, the numbers told."""
