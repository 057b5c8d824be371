# A strict stand-in for poetry2nix: mkPoetryEnv with arguments of its signature, and overrides that are evaluated
# against the packages of the lock, as poetry2nix does.
{ pkgs }:
{
  mkPoetryEnv = { projectDir, python, preferWheels, overrides, groups, checkGroups }:
    assert preferWheels && checkGroups == [ ] && groups != [ ];
    derivation {
      name = "env";
      inherit (python) system;
      builder = "/never/built";
      inherit groups;
      lock = builtins.path { path = projectDir + "/poetry.lock"; name = "poetry.lock"; };
      overrides = builtins.toJSON overrides;
    };

  defaultPoetryOverrides.extend = overlay:
    let
      # overridePythonAttrs hands the old attributes on, so that what an override does to them can be seen
      package = name: { overridePythonAttrs = change: change { postFixup = "default\n"; }; };
      names = [ "torch" ] ++ map (name: "nvidia-${name}") [
        "cublas" "cuda-cupti" "cuda-nvrtc" "cuda-runtime" "cudnn-cu13" "cufft" "cufile" "curand" "cusolver" "cusparse"
        "cusparselt-cu13" "nccl-cu13" "nvjitlink" "nvshmem-cu13" "nvtx"
      ];
      prev = builtins.listToAttrs (map (name: { inherit name; value = package name; }) names);
      final.mkPoetryDep = { name, version, files, source, pwd, preferWheels, sourceSpec, pythonPackages, ... }:
        assert source == null && preferWheels && sourceSpec == { }; { inherit version; };
    in
    overlay final prev;
}
