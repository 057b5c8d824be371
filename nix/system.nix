# Everything of a project on one system.
{ system, pkgs, poetry2nix, src, files, pytest, groups, cuda, extraChecks, revision, tool }:
let
  poetry = import poetry2nix { inherit pkgs; };
  project = import ./lock.nix { inherit src; };
  environment = import ./environment.nix { inherit pkgs poetry; };
  imagesHere = system == "x86_64-linux"; # images and checks are made for this system alone
  hasCuda = imagesHere && builtins.pathExists (cuda + "/poetry.lock");

  debianLock = if pkgs ? debianBase then { debian = pkgs.debianBase.lockFile; } else { };

  # What is made from one lock folder: the ordinary one, or CUDA's.
  from = name: folder: rec {
    env = environment { inherit folder groups; };
    reprotest = import ./reprotest.nix { inherit pkgs environment tool env; own = src == tool; };
    variables = import ./variables.nix { inherit pkgs reprotest; };
    sbom = import ./sbom.nix { inherit pkgs environment project env reprotest; lock = folder + "/poetry.lock"; };
    shell = import ./shell.nix { inherit pkgs env variables reprotest; inherit (project) name; };
    locks = { poetry = folder + "/poetry.lock"; flake = ../flake.lock; } // debianLock;
    image = import ./container.nix {
      inherit pkgs name env variables reprotest sbom revision locks;
      inherit (project) version;
    };
  };
  cpu = from project.name src;
  gpu = from "${project.name}-cuda" cuda;
  archive = pkgs.dockerTools.buildLayeredImage cpu.image;
  context = { inherit pkgs project environment src files pytest groups archive; inherit (cpu) env reprotest variables sbom; };
in
{
  packages = {
    default = cpu.reprotest;
    inherit (cpu) env;
  } // (if !imagesHere then { } else {
    container = pkgs.dockerTools.streamLayeredImage cpu.image;
    container-archive = archive;
    inherit (cpu) sbom;
  } // import ./services.nix {
    inherit pkgs environment tool project revision;
    inherit (cpu) env variables reprotest locks;
  }) // (if !hasCuda then { } else {
    env-cuda = gpu.env;
    container-cuda = pkgs.dockerTools.streamLayeredImage gpu.image;
  });

  devShells = {
    default = cpu.shell { label = "cpu"; };
    notebook = cpu.shell ({ label = "notebook"; } // import ./notebook.nix { inherit pkgs environment; inherit (cpu) env variables; });
  } // (if !hasCuda then { } else { cuda = gpu.shell { label = "cuda"; }; });

  checks = if !imagesHere then { } else import ./checks.nix context // extraChecks context;

  apps.default = { type = "app"; program = "${cpu.reprotest}/bin/reprotest"; };
}
