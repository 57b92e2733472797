"""Small good files of every kind that is read, and ways to spoil them."""
