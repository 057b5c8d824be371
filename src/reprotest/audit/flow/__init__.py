"""In which order a program seeds and draws, read from its text: statements in the order in which Python would run them."""
