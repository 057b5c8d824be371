"""On what a result depends: everything held still, one factor at a time given another value.

options.py     what a caller may ask for, and which factors are varied
variations.py  one other value of one factor, and which of them fit a program
search.py      which combinations to try, until every variation is judged
bench.py       one combination as one run, remembered
sizes.py       how far apart two runs end
partial.py     what was found so far, kept on disk until the search is over
session.py     the whole course
result.py      what all presenters read
"""
