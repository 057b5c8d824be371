# What only nixpkgs' patched wheels need, for poetry2nix; the Debian base leaves wheels as they are.
{ pkgs, poetry, folder }:
let
  inherit (builtins) any elem filter fromTOML listToAttrs match readFile;
  locked = (fromTOML (readFile (folder + "/poetry.lock"))).package;
  each = packages: f: listToAttrs (map (package: { inherit (package) name; value = f package; }) packages);

  # nixpkgs' own build tools would silently replace the locked ones, and the environment would differ from its lock.
  buildTools = filter (p: elem p.name [ "cython" "flit-core" "hatchling" "packaging" "setuptools" "wheel" ]) locked;

  isNvidia = package: match "nvidia-.*" package.name != null;
  nvidia = filter isNvidia locked;

  # Libraries that come with the host's driver, or belong to clusters' fabrics and are loaded only where they exist.
  fromHost = {
    torch = [ "libcuda.so.1" ];
    nvidia-cufile = [ "libmlx5.so.1" "librdmacm.so.1" "libibverbs.so.1" ];
    nvidia-nvshmem-cu13 = [
      "libmpi.so.40" "liboshmem.so.40" "libpmix.so.2" "libfabric.so.1" "libucp.so.0" "libucs.so.0" "libmlx5.so.1"
    ];
  };
in
# `extend`, since `overrides.withDefaults` applies its overlay before the defaults, which then overwrite it
poetry.defaultPoetryOverrides.extend (final: prev:
  { inherit (pkgs.python311.pkgs) bootstrap; } # without it packaging's bootstrap build fails
  // each buildTools (package: final.mkPoetryDep (package // {
    source = null;
    pwd = folder;
    preferWheels = true;
    sourceSpec = { };
    pythonPackages = final;
  }))
  // each nvidia (package: prev.${package.name}.overridePythonAttrs (old: {
    # Each finds the others in $out/lib; auto-patchelf replaces the RPATHs by which wheels do, and without $ORIGIN cuDNN
    # aborts at run time although `import torch` works.
    postFixup = (old.postFixup or "") + ''
      mkdir -p $out/lib
      for library in $out/lib/python*/site-packages/nvidia/*/lib/*.so*; do ln -sfn "$library" $out/lib/; done
    '';
    appendRunpaths = [ "$ORIGIN" ];
    autoPatchelfIgnoreMissingDeps = fromHost.${package.name} or [ ];
  }))
  // each (filter (p: p.name == "torch") locked) (_: prev.torch.overridePythonAttrs (_: {
    # Nothing may be missing from a CPU build, so that a library that is fails the build.
    autoPatchelfIgnoreMissingDeps = if any isNvidia locked then fromHost.torch else [ ];
  })))
