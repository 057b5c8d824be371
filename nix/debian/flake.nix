{
  description = "reprotest's flake on the Debian base: no inputs, nothing downloaded during a build";

  outputs = { self }:
    let
      base = import ./base.nix;
      # What stands for the root flake's inputs, here and by --override-input nixpkgs|poetry2nix path:./nix/debian.
      nixpkgs = { inherit (base) lib; legacyPackages.x86_64-linux = base.pkgs; };
      root = (import ../../flake.nix).outputs { inherit self nixpkgs; poetry2nix = ./.; };
      alone = !builtins.pathExists ../../flake.nix; # as path:…/nix/debian, without the repository round it
    in
    if alone then nixpkgs else root // nixpkgs // { lib = nixpkgs.lib // root.lib; };
}
