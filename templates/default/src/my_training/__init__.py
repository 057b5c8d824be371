"""A training to start from."""
