# dockerTools.streamLayeredImage and buildLayeredImage with nixpkgs' signatures. Both give one tar that is a Docker
# archive and an OCI layout at once: the root file system at /, one layer for each store path, big packages alone.
{ build, rootfs, python311 }:
let
  plan = { name, tag, created, contents ? [ ], config ? { }, extraCommands ? "" }:
    let
      image = build "${name}-config.json" {
        json = builtins.toJSON { inherit name tag created config rootfs; contents = map (c: "${c}") contents; };
        passAsFile = [ "script" "json" ];
      } ''cp "$jsonPath" $out'';
    in
    build "${name}-plan" { inherit image extraCommands; exportReferencesGraph = [ "closure" image ]; } ''
      mkdir -p $out/extra
      cp $image $out/image.json
      grep -x '/nix/store/[^/]*' closure | grep -v '[.]drv$' | grep -vxF "$image" | sort -u >$out/paths
      cd $out/extra
      eval "$extraCommands"
      find . -mindepth 1 | sort | while read -r path; do echo "$(stat -c %a "$path") ''${path#./}"; done >$out/modes
    '';
  passthru = image: { imageName = image.name; imageTag = image.tag; };
in
{
  streamLayeredImage = image: build "stream-${image.name}" { plan = plan image; python = python311; } ''
    printf '#!%s/bin/sh\nexec %s/bin/python -I %s %s\n' "$seed" "$python" ${./image.py} "$plan" >$out
    chmod 755 $out
  '' // passthru image;

  buildLayeredImage = image: build "${image.name}.tar" { plan = plan image; python = python311; } ''
    $python/bin/python -I ${./image.py} "$plan" >$out
  '' // passthru image;
}
