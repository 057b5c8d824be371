# The images that containers/compose.yaml starts beside the plain one: the training with what logs to MLflow, JupyterLab, whose kernel
# is the project's environment, and an MLflow server. MLflow comes from this tool's own lock.
{ pkgs, environment, tool, project, revision, env, variables, reprotest, locks }:
let
  image = arguments: pkgs.dockerTools.streamLayeredImage (import ./container.nix ({
    inherit pkgs revision env variables reprotest locks;
    inherit (project) version;
  } // arguments));
  notebook = import ./notebook.nix { inherit pkgs environment env variables; };
  mlflow = environment { folder = tool; groups = [ "tracking" ]; };
  client = import ./overlay.nix { inherit pkgs; } {
    name = "mlflow-client";
    from = environment { folder = tool; groups = [ "tracking-client" ]; };
    onto = env;
  };
in
{
  container-trainer = image {
    name = "${project.name}-trainer";
    variables = variables // { PYTHONPATH = "${variables.PYTHONPATH}:${client}/lib/python3.11/site-packages"; };
  };
  container-notebook = image {
    name = "${project.name}-notebook";
    variables = variables // notebook.extraVariables;
    contents = notebook.packages ++ [ env reprotest ];
    folders = [ "project" "notebooks" ];
    entrypoint = [ "${builtins.head notebook.packages}/bin/jupyter" "lab" ];
  };
  container-mlflow = image {
    name = "${project.name}-mlflow";
    env = mlflow;
    variables = builtins.removeAttrs variables [ "PYTHONPATH" ];
    contents = [ mlflow ];
    folders = [ "project" "mlflow" ];
    entrypoint = [ "${mlflow}/bin/python" "-m" "mlflow" ];
  };
}
