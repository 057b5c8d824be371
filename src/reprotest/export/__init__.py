"""Files for other tools, made from the locks: requirements.txt, environment.yml, Dockerfile, compose.yaml, .gitignore, .env.example."""
