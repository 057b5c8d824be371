# The root flake's outputs: this project made by the function that users call for theirs, and what it alone has.
{ self, nixpkgs, poetry2nix }:
let
  mkProject = import ./project.nix { inherit self nixpkgs poetry2nix; };
  outputs = mkProject {
    src = ../.;
    cuda = ./cuda;
    files = [ "LICENSE" "docs" "examples" "pyproject.toml" "src" "tests" ];
    # Not in the sandbox: what takes long, the host's tools, and /bin/sh, which it does not have.
    pytest = builtins.concatStringsSep " " [
      "-n $NIX_BUILD_CORES -m 'not (slow or nix or zoo or integration)'"
      "--ignore tests/nix --ignore tests/packaging --ignore tests/test_docs.py --ignore tests/zoo"
      # Real processes on a real host: `make test` runs them outside of the sandbox.
      "--ignore tests/factors --ignore tests/probe --ignore tests/diagnose --ignore tests/export --ignore tests/config --ignore tests/audit"
      "-k 'not (every_kind_of_command_runs and shell) and not which_library_drew'"
    ];
    extraChecks = import ./own-checks.nix { inherit mkProject; };
  };
in
outputs // {
  lib = { inherit mkProject; };

  # nixpkgs' alone: Debian 12 packages no formatter for Nix
  formatter = nixpkgs.lib.genAttrs
    (builtins.filter (system: nixpkgs.legacyPackages.${system} ? nixpkgs-fmt) (builtins.attrNames outputs.packages))
    (system: nixpkgs.legacyPackages.${system}.nixpkgs-fmt);

  templates.default = {
    path = ../templates/default;
    description = "A training whose environment, container and results are pinned";
  };
}
