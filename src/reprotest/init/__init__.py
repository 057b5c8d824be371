"""A working start for a training that repeats: the files that `init` puts into a project."""
