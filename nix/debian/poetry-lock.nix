# The wheels that a poetry.lock (version 2.1) gives for some groups and extras on this base's platform.
# { lockFile, groups, extras } -> [ { name, version, file, sha256, index? } ], in the order of the lock
{ lockFile, groups, extras }:
let
  inherit (builtins) any attrValues elem elemAt filter foldl' fromTOML groupBy head isString length match readFile;
  marker = import ./marker.nix { inherit extras; };
  score = import ./wheel-tag.nix;

  lock = fromTOML (readFile lockFile);
  version = lock.metadata.lock-version;

  # A package's markers are one text, or one for each group; a group without one has no condition.
  holds = package: group:
    let m = package.markers or ""; text = if isString m then m else m.${group} or ""; in
    text == "" || marker text;
  wanted = package: any (group: elem group groups && holds package group) package.groups;

  wheel = package:
    let
      where = "poetry.lock: ${package.name} ${package.version}";
      source = package.source or { type = "pypi"; };
      best = foldl' (a: f: let s = score f.file; in if s > a.score then { score = s; file = f; } else a)
        { score = 0; } package.files;
      hash = match "sha256:([0-9a-f]{64})" best.file.hash;
    in
    if !(elem source.type [ "pypi" "legacy" ]) then throw "${where} comes from a ${source.type}; the Debian base takes wheels of an index alone"
    else if best.score == 0 then throw "${where} has no wheel for CPython 3.11 on x86_64 Linux (glibc 2.36), and the Debian base builds nothing from source"
    else if hash == null then throw "${where} is locked by ${best.file.hash}, not by a sha256"
    else {
      inherit (package) name version;
      inherit (best.file) file;
      sha256 = elemAt hash 0;
    } // (if source ? url then { index = source.url; } else { });

  chosen = filter wanted lock.package;
  twice = filter (n: length n > 1) (attrValues (groupBy (p: p.name) chosen));
in
if !(elem version [ "2.1" ]) then throw "poetry.lock has version ${version}; expected 2.1: run `poetry lock` of Poetry 2"
else if twice != [ ] then throw "poetry.lock: ${(head (head twice)).name} is wanted in more than one version by the groups ${toString groups}: constrain it to one in pyproject.toml"
else map wheel chosen
