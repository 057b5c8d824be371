"""`reprotest.lock`: the results that a project's experiments must give again, on each class of machines."""
