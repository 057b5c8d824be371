# The root flake's outputs: this project made by the function that users call for theirs, and what it alone has.
{ self, nixpkgs, poetry2nix }:
let
  mkProject = import ./project.nix { inherit self nixpkgs poetry2nix; };
  outputs = mkProject {
    src = ../.;
    cuda = ./cuda;
    # The tree's own hash. Nix tells no commit to a flake whose inputs are overridden, and both entries are to be one.
    revision = self.narHash or "dirty";
    files = [ "LICENSE" "docs" "examples" "pyproject.toml" "src" "tests" ];
    # What runs in one process: real programs on a real host are what `make test` runs. What needs packages of other
    # groups than the environment's is skipped, with the reason.
    pytest = builtins.concatStringsSep " " [
      "-n $NIX_BUILD_CORES -p tests.partial_environment"
      "-m 'not (slow or nix or zoo or integration)'"
      "tests/compare tests/digest tests/record tests/report tests/test_api.py tests/test_cli.py"
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
