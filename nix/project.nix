# mkProject { src; … }: shells, containers and checks for a Poetry project. templates/default shows its use.
{ self, nixpkgs, poetry2nix }:
{ src # the project's folder, with pyproject.toml and poetry.lock
, files ? builtins.attrNames (builtins.readDir src) # what of it the checks see; fewer files, fewer runs
, pytest ? "tests" # pytest's arguments in the check of that name
, groups ? [ "main" "test" ] # dependency groups of the environment
, cuda ? src + "/cuda" # a second lock folder with CUDA's torch; where it exists there are outputs for it
, extraChecks ? (_: { }) # from what ./system.nix calls its context to more checks
, revision ? self.rev or "dirty"
}:
let
  systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
  offered = builtins.filter (system: nixpkgs.legacyPackages ? ${system}) systems;
  bySystem = nixpkgs.lib.genAttrs offered (system: import ./system.nix {
    inherit system src files pytest groups cuda extraChecks revision poetry2nix;
    pkgs = nixpkgs.legacyPackages.${system};
    tool = ../.;
  });
  each = output: builtins.mapAttrs (_: outputs: outputs.${output}) bySystem;
in
{
  packages = each "packages";
  devShells = each "devShells";
  checks = each "checks";
  apps = each "apps";
}
