"""Tags for templates of every door."""
