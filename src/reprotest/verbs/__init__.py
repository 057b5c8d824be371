"""The verbs of the command line: `python -m reprotest VERB`.

Each file holds one thin `click` command of its own name; a new verb is a new file here. Heavy modules are imported inside the
functions, so that --help is quick.
"""
