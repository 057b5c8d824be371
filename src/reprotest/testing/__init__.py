"""What the pytest plug-in and the notebook extension are made of; imported when they are used."""
