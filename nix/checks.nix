# The checks that every project gets, each its own derivation, so that one failure names itself.
{ pkgs, environment, src, files, pytest, groups, env, variables, sbom, archive, ... }:
let
  inherit (builtins) concatStringsSep elem fromTOML pathExists readFile;
  tools = environment { folder = ./tools; groups = [ "main" ]; };
  site = "${env}/lib/python3.11/site-packages";
  lock = pkgs.runCommand "lock" { } ''
    mkdir $out
    cp ${src + "/pyproject.toml"} $out/pyproject.toml
    cp ${src + "/poetry.lock"} $out/poetry.lock
  '';
  # A check passes by leaving its output in $out.
  check = name: script: pkgs.runCommand "check-${name}" { } script;

  # A check that runs in a copy of the project, as in the shell: the same variables, HOME and caches to write to.
  inProject = name: script: pkgs.runCommand "check-${name}" (variables // { nativeBuildInputs = [ env ]; }) ''
    mkdir project home
    export HOME=$PWD/home
    cd project
    ${concatStringsSep "\n" (map (file: "cp -r ${src + "/${file}"} ${file}") files)}
    chmod -R u+w .
    [ ! -d src ] || export PYTHONPATH=$PWD/src:$PYTHONPATH
    ${script}
  '';
  configured = (fromTOML (readFile (src + "/pyproject.toml"))).tool ? reprotest || pathExists (src + "/reprotest.yaml");
  only = condition: checks: if condition then checks else { };
in
{
  lock-lint = check "lock-lint" "${tools}/bin/python -I ${./checks/lock_lint.py} ${lock} | tee $out";

  versions = check "versions" ''
    ${tools}/bin/python -I ${./checks/versions.py} ${site} ${lock}/poetry.lock ${toString groups} | tee $out
  '';

  purity = check "purity" "${env}/bin/python -I ${./checks/purity.py} | tee $out";

  image = check "image" "${env}/bin/python -I ${./checks/image_contents.py} ${archive} ${sbom} ${env} | tee $out";
}
// only (elem "tests" files) {
  # With CI set, hypothesis draws the same examples every time.
  tests = inProject "tests" "CI=true python -m pytest -p no:cacheprovider ${pytest} | tee $out";
}
// only configured {
  repeats = inProject "repeats" "python -m reprotest | tee $out";
}
