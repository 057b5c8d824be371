# The Python environment of a lock: { folder, groups } -> derivation. The tests' groups are named by the caller, never
# added silently (poetry2nix adds `checkGroups` to every environment unless told).
{ pkgs, poetry }:
{ folder, groups }:
let
  project = import ./lock.nix { src = folder; };
  overrides =
    if poetry ? defaultPoetryOverrides
    then { overrides = import ./overrides.nix { inherit pkgs poetry folder; }; }
    else { };
in
builtins.seq project (poetry.mkPoetryEnv ({
  projectDir = folder;
  python = pkgs.python311;
  preferWheels = true;
  checkGroups = [ ];
  inherit groups;
} // overrides))
