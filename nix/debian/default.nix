# What stands for poetry2nix, which the root flake imports as a function of pkgs.
{ pkgs }: { inherit (import ./base.nix) mkPoetryEnv; }
