# A derivation built by static bash and busybox alone, which is all there is before the root file system exists.
{ system, seed }:
name: attrs: script:
derivation ({
  inherit name system seed script;
  builder = "${seed}/bin/bash";
  args = [ "-eu" "-o" "pipefail" ./build.sh ];
  passAsFile = [ "script" ];
} // attrs)
