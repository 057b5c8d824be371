# A project's own modules and metadata (entry points are found by it) as a site-packages directory for PYTHONPATH.
{ pkgs, env, src }:
let
  inherit (builtins) attrNames concatStringsSep;
  project = import ./lock.nix { inherit src; };
  inherit (project) poetry version;
  module = builtins.replaceStrings [ "-" ] [ "_" ] project.name;
  packages = poetry.packages or [ { include = module; } ];
  section = group: entries: "[${group}]\n" + concatStringsSep "" (map (name: "${name} = ${entries.${name}}\n") (attrNames entries));
  groups = { console_scripts = poetry.scripts or { }; } // (poetry.plugins or { });
in
pkgs.runCommand "${project.name}-${version}" {
  sources = map (p: src + "/${p.from or "."}/${p.include}") packages;
  names = map (p: p.include) packages;
  info = "${module}-${version}.dist-info";
  metadata = "Metadata-Version: 2.1\nName: ${project.name}\nVersion: ${version}\n";
  entryPoints = concatStringsSep "\n" (map (group: section group groups.${group}) (attrNames groups));
} ''
  site=$out/lib/python3.11/site-packages
  mkdir -p $site/$info
  set -- $names
  for source in $sources; do
    cp -r "$source" "$site/$1"
    shift
  done
  printf %s "$metadata" >$site/$info/METADATA
  printf %s "$entryPoints" >$site/$info/entry_points.txt
  echo nix >$site/$info/INSTALLER
  cd $site
  chmod -R u+w .
  find . -depth -name __pycache__ -exec rm -r {} +
  PYTHONHASHSEED=0 ${env}/bin/python -s -S ${./debian/compile.py} $site ""
  touch $info/RECORD # it lists itself; made here, since the pipe below would make it before or after find passes by
  find . -type f | sed 's,^[.]/,,; s,$,\,\,,' | sort >$NIX_BUILD_TOP/record
  cp $NIX_BUILD_TOP/record $info/RECORD
''
