# Programs of the root file system started through its own loader, whatever the host has; nothing is patched.
{ build, rootfs, binutils }:
let
  version = "3.11.2";
  # What a build needs to wrap programs, and the shell text that defines wrap and python_prefix.
  inputs = { inherit rootfs binutils version; launcher = ./launcher.s; };
  functions = builtins.readFile ./python.sh;
in
{
  inherit functions inputs version;

  python311 = build "python3-${version}" inputs ''
    ${functions}
    python_prefix "$out"
  '' // { pythonVersion = "3.11"; inherit rootfs; };

  # The named Debian packages' programs as bin/* of one store path.
  programs = name: packages: build name (inputs // { inherit packages; }) ''
    ${functions}
    mkdir -p $out/bin $out/nix-support
    touch $out/nix-support/root-programs # an image has them in /usr/bin
    for package in $packages; do
      sed -n 's,^[0-9a-f]*  \(usr/\)\?bin/,,p' $rootfs/var/lib/dpkg/status.d/$package.md5sums
    done >programs
    ! grep -qx mawk programs || echo awk >>programs
    while read -r program; do
      case $(head -c 2 $rootfs/usr/bin/$program) in
        '#!') wrap_script $rootfs/usr/bin/$program $out/bin/$program ;;
        *) wrap $rootfs/usr/bin/$program $out/bin/$program ;;
      esac
    done <programs
  '';
}
