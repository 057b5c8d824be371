{
  description = "Train twice, get the same bits: the environment that reprotest runs in, and its checks";

  inputs = {
    # nixos-24.11, the release that poetry2nix was last tested with
    nixpkgs.url = "github:NixOS/nixpkgs/50ab793786d9de88ee30ec4e4c24fb4236fc2674";
    poetry2nix = {
      url = "github:nix-community/poetry2nix/ce2369db77f45688172384bbeb962bc6c2ea6f94";
      flake = false; # imported as a function: the lock holds none of its own inputs
    };
  };

  outputs = inputs: import ./nix inputs;
}
