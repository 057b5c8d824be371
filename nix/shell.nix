# A development shell: the environment, reprotest, the variables that hold factors still, the host's GPU driver.
{ pkgs, name, env, variables, reprotest }:
{ label, packages ? [ ], extraVariables ? { } }:
pkgs.mkShell (variables // extraVariables // {
  name = "${name}-${label}";
  packages = [ env reprotest pkgs.bashInteractive pkgs.coreutils ] ++ packages;
  REPROTEST_SHELL = "${name} ${label}";
  # `nix develop` keeps the host's values of these two
  shellHook = ''
    export TZ=${variables.TZ} SSL_CERT_FILE=${variables.SSL_CERT_FILE}
    ${builtins.readFile ./shell-hook.sh}
  '';
})
