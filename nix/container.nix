# The image, as arguments for dockerTools: the shell's own environment, reprotest as entry point, a user without rights.
# Services put other contents and another program into the same frame.
{ pkgs, name, version, revision, env, variables, reprotest, locks
, sbom ? null # of the packages in env
, contents ? [ env reprotest ]
, folders ? [ "project" "records" ] # where something is mounted; a new volume takes the rights from here
, entrypoint ? [ "${env}/bin/python" "-m" "reprotest" ]
}:
let
  user = pkgs.runCommand "image-user" { } ''
    mkdir -p $out/etc
    echo 'root:x:0:0:root:/root:/usr/sbin/nologin' >$out/etc/passwd
    echo 'reprotest:x:65532:65532::/tmp:/usr/sbin/nologin' >>$out/etc/passwd
    printf 'root:x:0:\nreprotest:x:65532:\n' >$out/etc/group
  '';
  digest = lock: "sha256:${builtins.hashFile "sha256" locks.${lock}}";
in
{
  inherit name;
  tag = version;
  created = "1970-01-01T00:00:01Z";
  contents = contents ++ [ pkgs.bash pkgs.coreutils user ];
  extraCommands = "mkdir -m 1777 tmp ${builtins.concatStringsSep " " folders}";
  config = {
    Entrypoint = entrypoint;
    Env = map (variable: "${variable}=${variables.${variable}}") (builtins.attrNames variables) ++ [
      "PATH=${builtins.concatStringsSep ":" (map (package: "${package}/bin") contents)}:/usr/local/bin:/usr/bin:/bin"
      "HOME=/tmp"
    ];
    User = "65532:65532";
    WorkingDir = "/project"; # where one is mounted
    Labels = {
      "org.opencontainers.image.title" = name;
      "org.opencontainers.image.version" = version;
      "org.opencontainers.image.revision" = revision;
    } // (if sbom == null then { } else {
      "reprotest.sbom" = "${sbom}"; # a path in the image
    }) // builtins.listToAttrs (map (lock: { name = "reprotest.lock.${lock}"; value = digest lock; }) (builtins.attrNames locks));
  };
}
