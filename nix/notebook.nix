# What the notebook shell has besides: Jupyter in an environment of its own, and one kernel, the project's environment
# with what it lacks of ipykernel's.
{ pkgs, environment, env, variables }:
let
  jupyter = environment { folder = ./notebook; groups = [ "main" ]; };
  lacking = import ./overlay.nix { inherit pkgs; } { name = "kernel-dependencies"; from = jupyter; onto = env; };
  kernel = builtins.toJSON {
    argv = [ "${env}/bin/python" "-m" "ipykernel_launcher" "-f" "{connection_file}" ];
    display_name = "Python (pinned)";
    language = "python";
    env = variables // { PYTHONPATH = "${variables.PYTHONPATH}:${lacking}/lib/python3.11/site-packages"; };
  };
  jupyterPath = pkgs.runCommand "jupyter-path" { inherit kernel; passAsFile = [ "kernel" ]; } ''
    mkdir -p $out/share/jupyter/kernels/python3 $out/bin
    cp "$kernelPath" $out/share/jupyter/kernels/python3/kernel.json
    printf '#!%s/bin/bash\nunset PYTHONPATH\nexec %s/bin/jupyter "$@"\n' ${pkgs.bash} ${jupyter} >$out/bin/jupyter
    chmod +x $out/bin/jupyter
  '';
in
{
  packages = [ jupyterPath ];
  extraVariables = { JUPYTER_PATH = "${jupyterPath}/share/jupyter"; JUPYTER_PREFER_ENV_PATH = "0"; };
}
