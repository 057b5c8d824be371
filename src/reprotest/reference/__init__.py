"""The built-in reference experiment, for a first look at an installation that has no experiments of its own."""
