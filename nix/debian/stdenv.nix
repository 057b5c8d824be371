# runCommand and mkShell with nixpkgs' signatures.
{ system, build, seed, tools, bash }:
let
  stdenv = build "stdenv" { path = builtins.concatStringsSep ":" (map (p: "${p}/bin") [ tools bash ]); } ''
    mkdir $out
    sed -e "s,@path@,$path,g" -e "s,@shell@,$seed/bin/bash,g" ${./setup.sh} >$out/setup
  '';
  mkDerivation = attrs: derivation ({
    inherit system stdenv;
    builder = "${seed}/bin/bash"; # `nix develop` asks for a builder whose name ends in bash,
    outputs = [ "out" ]; # and for the outputs' names
    args = [ "-e" ./builder.sh ];
  } // attrs // { passAsFile = [ "buildCommand" ] ++ (attrs.passAsFile or [ ]); });
in
{
  runCommand = name: env: buildCommand: mkDerivation ({ inherit name buildCommand; } // env);

  mkShell = { name ? "nix-shell", packages ? [ ], nativeBuildInputs ? [ ], shellHook ? "", ... }@attrs:
    mkDerivation (removeAttrs attrs [ "packages" ] // {
      inherit name shellHook;
      nativeBuildInputs = packages ++ nativeBuildInputs;
      buildCommand = "export >$out";
    });
}
