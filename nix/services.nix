# The images beside the training that containers/compose.yaml starts: JupyterLab, whose kernel is the project's environment, and
# an MLflow server from this tool's own lock.
{ pkgs, environment, tool, project, revision, env, variables, reprotest, locks }:
let
  image = arguments: pkgs.dockerTools.streamLayeredImage (import ./container.nix ({
    inherit pkgs revision env reprotest locks;
    inherit (project) version;
  } // arguments));
  notebook = import ./notebook.nix { inherit pkgs environment env variables; };
  mlflow = environment { folder = tool; groups = [ "travel" ]; };
in
{
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
