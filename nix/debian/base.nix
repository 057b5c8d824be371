# The functions of nixpkgs and poetry2nix that the root flake uses, with their signatures, made from Debian packages
# and wheels pinned by hash. An argument that is not known here is an error, so that the two bases cannot drift apart.
let
  system = "x86_64-linux";
  lock = builtins.fromJSON (builtins.readFile ./lock.json);

  pin = import ./pin.nix { inherit system lock; };
  build = import ./build.nix { inherit system; inherit (pin) seed; };
  rootfs = import ./rootfs.nix { inherit build pin lock; };
  binutils = build "binutils" { debs = map pin.deb lock.tools; } ''
    mkdir $out && cd $out
    for deb in $debs; do ar p $deb data.tar.xz | xzcat | tar -xof -; done
    rm -rf usr/share
  '';
  interpreter = import ./python.nix { inherit build rootfs binutils; };
  inherit (interpreter) python311;

  bash = build "bash" { } "mkdir -p $out/bin; ln -s $seed/bin/bash $out/bin/bash; ln -s bash $out/bin/sh";
  tools = interpreter.programs "debian-tools" [ "coreutils" "diffutils" "findutils" "grep" "gzip" "mawk" "sed" "tar" "xz-utils" ];
  stdenv = import ./stdenv.nix { inherit system build tools bash; inherit (pin) seed; };
in
{
  lib.genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);

  pkgs = {
    inherit bash python311;
    # What nixpkgs has no counterpart of: for bills of materials, and for programs that would use the host's locales.
    debianBase = { lockFile = ./lock.json; inherit (lock) debs; locales = "${rootfs}/usr/lib/locale"; };
    inherit (stdenv) mkShell runCommand;
    bashInteractive = bash;
    coreutils = interpreter.programs "coreutils" [ "coreutils" ];
    cacert = build "cacert" { inherit rootfs; } ''
      mkdir -p $out/etc/ssl/certs
      ln -s $rootfs/etc/ssl/certs/ca-certificates.crt $out/etc/ssl/certs/ca-bundle.crt
    '';
    tzdata = build "tzdata" { inherit rootfs; } "mkdir -p $out/share; ln -s $rootfs/usr/share/zoneinfo $out/share/zoneinfo";
    dockerTools = import ./docker.nix { inherit build rootfs python311; };
  };

  mkPoetryEnv = import ./poetry.nix { inherit build pin interpreter; };
}
