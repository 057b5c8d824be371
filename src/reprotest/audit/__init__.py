"""The reproducibility checklist for a repository (`doctor`): checks that read it, never import it, and never change it."""
