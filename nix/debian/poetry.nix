# mkPoetryEnv with poetry2nix's signature: a Python prefix with the wheels that poetry.lock names.
{ build, pin, interpreter }:
{ projectDir
, poetrylock ? projectDir + "/poetry.lock"
, python ? interpreter.python311
, preferWheels ? false
, groups ? [ "main" "dev" ]
, checkGroups ? [ "dev" ]
, extras ? [ "*" ]
}:
let
  wheels = import ./poetry-lock.nix { lockFile = poetrylock; groups = groups ++ checkGroups; inherit extras; };
in
if !preferWheels then throw "the Debian base installs wheels only: pass preferWheels = true to mkPoetryEnv"
else if python != interpreter.python311 then throw "the Debian base has python311 alone"
else build "python3-${interpreter.version}-env" (interpreter.inputs // {
  wheels = map pin.wheel wheels;
  PYTHONHASHSEED = "0";
  PYTHONDONTWRITEBYTECODE = "1";
}) ''
  ${interpreter.functions}
  python_prefix "$out"
  $out/bin/python -I ${./install_wheels.py} "$out" $wheels
  $out/bin/python -s -S ${./compile.py} "$out/lib/python3.11/site-packages" ""
  mkdir "$out/nix-support"
  cd "$out" && du -sm lib/python3.11/site-packages/* | sort -k2 |
    while read -r size path; do [ "$size" -lt 20 ] || echo "$path"; done >"$out/nix-support/image-layers"
'' // { inherit wheels; }
