"""Compares across machines, environments and commits: what differs, what of it is known to change the result, which commit did."""
