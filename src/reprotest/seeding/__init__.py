"""Seed control: one seed for every generator of a process, for every sample of a data loader, and their states in a checkpoint.

Everything here goes through the factors' own `pin`, `undo`, `state`, `restore` and `reseed`; no framework is imported that the program
has not imported itself, save PyTorch by `dataloader` and the trainers by their callbacks. Described in docs/seeding.md.
"""
