# What only this project checks: its template, and what its tests compare with other places.
{ mkProject }:
{ pkgs, env, variables, ... }:
let
  template = (import ../templates/default/flake.nix).outputs {
    self = { };
    reprotest.lib = { inherit mkProject; };
  };
  all = checks: builtins.concatStringsSep " " (builtins.attrValues checks);
  run = "python -m reprotest run --quiet --json report.json";
  example = name: script: pkgs.runCommand "check-${name}" (variables // { nativeBuildInputs = [ env ]; }) ''
    cp -r ${../examples} examples
    chmod -R u+w examples
    cd examples
    export HOME=$NIX_BUILD_TOP
    ${script}
    cp report.json $out
  '';
in
{
  # The mended example repeats; the broken one does not, and the cause is proven.
  example-mended = example "example-mended" "cd digits_cnn; ${run} train_fixed.py --epochs 1";
  example-broken = example "example-broken" ''
    cd digits_cnn
    status=0
    ${run} train.py --epochs 1 || status=$?
    [ $status = 1 ]
    python -I ${./checks/proven.py} report.json
  '';
  # The other examples need transformers and lightning, which this environment does not have.
  example-nanogpt = example "example-nanogpt" "${run} --steps 2 nanogpt.py --seed 1";

  # nix/variables.json is what the factors say.
  variables = pkgs.runCommand "check-variables" { inherit (variables) PYTHONPATH; } ''
    ${env}/bin/python ${./variables.py} >$out
    cmp $out ${./variables.json} || {
      echo 'nix/variables.json is not what the factors say: PYTHONPATH=src python nix/variables.py >nix/variables.json' >&2
      exit 1
    }
  '';

  # Compared with the shell's and the image's digest by tests/nix/test_container.py
  digest = pkgs.runCommand "check-digest" variables "${env}/bin/python -I ${./checks/training_digest.py} | tee $out";

  template = pkgs.runCommand "check-template" { } ''
    cat ${all template.checks.x86_64-linux} >$out
  '';
}
