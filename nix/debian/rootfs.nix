# The Debian root file system: the pinned packages unpacked, with what their maintainer scripts would have done.
{ build, pin, lock }:
build "debian-rootfs" {
  debs = map pin.deb lock.debs;
  compile = ./compile.py;
} (builtins.readFile ./rootfs.sh)
