# A project's pyproject.toml and poetry.lock, refused when they are out of step: Poetry's own content hash, computed at
# evaluation, so that every command says so at once.   { src } -> { name, version, poetry }
{ src }:
let
  inherit (builtins) attrNames concatStringsSep filter fromTOML hashString isAttrs isList listToAttrs match readFile stringLength substring toJSON;
  pyproject = fromTOML (readFile (src + "/pyproject.toml"));
  # [metadata] ends the file; reading only that spares a third of the evaluation
  text = readFile (src + "/poetry.lock");
  locked = match ".*\ncontent-hash = \"([0-9a-f]+)\".*" (substring (stringLength text - 200) 200 text);
  poetry = pyproject.tool.poetry or (throw "${toString src}/pyproject.toml has no [tool.poetry] table; name, version and dependencies must stand there (a [project] table alone makes an empty environment)");

  # Python's json.dumps(…, sort_keys=True), of which Nix's toJSON differs by the spaces
  dumps = value:
    if isAttrs value then "{" + concatStringsSep ", " (map (k: "${toJSON k}: ${dumps value.${k}}") (attrNames value)) + "}"
    else if isList value then "[" + concatStringsSep ", " (map dumps value) + "]"
    else toJSON value;

  # Poetry's Locker._get_relevant_content
  some = table: keys: listToAttrs (map (name: { inherit name; value = table.${name}; }) (filter (k: table ? ${k}) keys));
  project = some (pyproject.project or { }) [ "requires-python" "dependencies" "optional-dependencies" ];
  groups = pyproject.dependency-groups or { };
  legacy = [ "dependencies" "source" "extras" "dev-dependencies" ];
  tables = some poetry (legacy ++ [ "group" ]);
  none = listToAttrs (map (name: { inherit name; value = null; }) legacy);
  outer = (if project == { } then { } else { inherit project; }) // (if groups == { } then { } else { dependency-groups = groups; });
  content = dumps (if outer == { } then none // tables else outer // { tool.poetry = tables; });

  ascii = match "[ -~]*" content != null; # json.dumps escapes the rest, which the lint, being Python, can check
  fresh = !ascii || locked == [ (hashString "sha256" content) ];
in
if fresh then { inherit poetry; inherit (poetry) version; name = builtins.replaceStrings [ "_" "." ] [ "-" "-" ] poetry.name; }
else throw "poetry.lock is out of step with pyproject.toml in ${toString src}: run `poetry lock`"
