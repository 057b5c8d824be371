"""What the pytest plug-in and the notebook extension are made of; imported when they are used."""

CHILD = "REPROTEST_PYTEST"
"""Environment variable of the fresh processes in which a marked test is run: there it is a test like any other."""
SEED = "_reprotest_seed"
"""The fixture by which a test that takes no seed is given one."""
