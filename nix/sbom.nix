# The bill of materials of an environment, CycloneDX JSON: what was installed, with the hashes of the locks.
{ pkgs, environment, project, env, reprotest, lock }:
let
  writer = environment { folder = ./tools; groups = [ "main" ]; };
  debian = pkgs.debianBase or null;
in
pkgs.runCommand "${project.name}-sbom.cdx.json" {
  request = builtins.toJSON {
    inherit (project) name version;
    sites = [ "${env}/lib/python3.11/site-packages" ] ++ reprotest.sites;
    lock = "${lock}";
    flakeLock = "${../flake.lock}";
    wheels = env.wheels or [ ];
    debs = if debian == null then [ ] else debian.debs;
  };
  passAsFile = [ "request" ];
} ''
  ${writer}/bin/python -I ${./sbom.py} "$requestPath" >$out
''
