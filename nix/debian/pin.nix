# Files pinned by hash. Their store paths are fixed by name and hash alone; ./prefetch puts them there, nothing is
# downloaded during a build. `pin` in the derivation is what prefetch reads to know how to get the file.
{ system, lock }:
let
  seed = derivation {
    name = "debian-seed";
    inherit system;
    builder = "builtin:fetchurl";
    url = "file:///the-seed-is-missing--run--make-prefetch";
    executable = true;
    unpack = false;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputHash = lock.seed.sha256;
    preferLocalBuild = true;
    pin = builtins.toJSON (lock.seed // { kind = "seed"; file = "debian-seed"; });
  };
  storeName = builtins.replaceStrings [ "~" "!" ":" "%3a" ] [ "-" "-" "-" "-" ];
  pin = kind: f: derivation {
    name = storeName f.file;
    inherit system;
    builder = "${seed}/bin/bash";
    args = [ "-c" "echo 'not in the Nix store: ${f.file}. To bring it there: make prefetch' >&2; exit 1" ];
    outputHashMode = "flat";
    outputHashAlgo = "sha256";
    outputHash = f.sha256;
    preferLocalBuild = true;
    allowSubstitutes = false;
    pin = builtins.toJSON (f // { inherit kind; });
  };
in
{
  inherit seed;
  deb = pin "deb";
  wheel = pin "wheel";
}
