# Distributions of one environment that another lacks, as a site-packages directory for PYTHONPATH. What the other has
# stays its own: a tool never changes the versions that a project has locked.
{ pkgs }:
{ name, from, onto }:
pkgs.runCommand name { } ''
  site=lib/python3.11/site-packages
  mkdir -p $out/$site
  ${onto}/bin/python -I ${./overlay.py} ${from}/$site ${onto}/$site $out/$site
  PYTHONHASHSEED=0 ${onto}/bin/python -s -S ${./debian/compile.py} $out/$site ""
''
