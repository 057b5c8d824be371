# A strict stand-in for nixpkgs: the interface that the flake may use, on every system, and nothing else, so that any
# other attribute or argument fails. Its derivations are evaluated, never built.
let
  fake = system: name: attrs: derivation ({ inherit name system; builder = "/never/built"; } // attrs);
  image = system: { name, tag, created, contents, config, extraCommands }:
    fake system name {
      image = builtins.toJSON { inherit tag created config extraCommands; contents = map (c: "${c}") contents; };
    };
  packages = system: rec {
    mkShell = { name, packages, shellHook, ... }@attrs: fake system name attrs;
    runCommand = name: env: buildCommand: fake system name (env // { inherit buildCommand; });
    dockerTools = { streamLayeredImage = image system; buildLayeredImage = image system; };
    python311 = fake system "python3" { } // { pkgs.bootstrap = { }; };
    bash = fake system "bash" { };
    bashInteractive = bash;
    coreutils = fake system "coreutils" { };
    cacert = fake system "cacert" { };
    tzdata = fake system "tzdata" { };
  };
  genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
in
{
  lib = { inherit genAttrs; };
  legacyPackages = genAttrs [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ] packages;
}
