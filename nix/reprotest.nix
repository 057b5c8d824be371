# reprotest for one environment: the program's modules, those of its dependencies that the environment lacks, and the
# command. `sites` is what PYTHONPATH needs for `python -m reprotest`.
{ pkgs, environment, tool, env, own }:
let
  package = import ./package.nix { inherit pkgs env; src = tool; };
  lacking = import ./overlay.nix { inherit pkgs; } {
    name = "reprotest-dependencies";
    from = environment { folder = tool; groups = [ "main" ]; };
    onto = env;
  };
  sites = map (p: "${p}/lib/python3.11/site-packages") ([ package ] ++ (if own then [ ] else [ lacking ]));
in
pkgs.runCommand "reprotest" { } ''
  mkdir -p $out/bin
  printf '#!%s/bin/bash\nexport PYTHONPATH=%s''${PYTHONPATH:+:$PYTHONPATH}\nexec %s/bin/python -m reprotest "$@"\n' \
    ${pkgs.bash} ${builtins.concatStringsSep ":" sites} ${env} >$out/bin/reprotest
  chmod +x $out/bin/reprotest
'' // { inherit sites; }
