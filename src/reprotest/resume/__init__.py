"""`resume`: is train, stop and resume the same as training straight through, and if not, which piece of the state was lost?

details.py      the pieces of a training's state, what they are called and how to save them
report.py       the result
plans.py        what the probe is to keep or to put back in each kind of run
runs.py         the three runs, and further ones like them
align.py        at which step of the full run the resumed one begins
steps.py        both compared step by step from there on
comparison.py   the first part with the full run, and the second part from where it stopped
pieces.py       which pieces differ at the resumption
experiments.py  which of these matter: put back all, then all but one
explain.py      carries these experiments out, with the state of a run that has it
session.py      the whole course
"""
