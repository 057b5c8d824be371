loader=$rootfs/usr/lib64/ld-linux-x86-64.so.2
libraries=$rootfs/usr/lib/x86_64-linux-gnu

# binutil NAME ARGUMENT…: a program of Debian's binutils, which is not part of the root file system.
binutil() {
  local name=$1
  shift
  "$loader" --inhibit-cache --library-path "$libraries:$binutils/usr/lib/x86_64-linux-gnu" \
    "$binutils/usr/bin/x86_64-linux-gnu-$name" "$@"
}

# wrap PROGRAM FILE: write FILE, which starts PROGRAM through the root file system's loader (launcher.s).
wrap() {
  sed -e "s,@loader@,$loader,; s,@libraries@,$libraries,; s,@program@,$1," "$launcher" >"$NIX_BUILD_TOP/launcher.s"
  binutil as -o "$NIX_BUILD_TOP/launcher.o" "$NIX_BUILD_TOP/launcher.s"
  binutil objcopy -O binary "$NIX_BUILD_TOP/launcher.o" "$2"
  chmod 755 "$2"
}

# wrap_script SCRIPT FILE: the same for a shell script, whose own first line names a shell that need not be there.
wrap_script() {
  printf '#!%s/bin/busybox sh\nexec %s/bin/bash %s "$@"\n' "$seed" "$seed" "$1" >"$2"
  chmod 755 "$2"
}

# python_prefix DIRECTORY: a prefix with its own site-packages; pyvenv.cfg makes it sys.prefix.
python_prefix() {
  mkdir -p "$1/bin" "$1/lib/python3.11/site-packages"
  wrap "$rootfs/usr/bin/python3.11" "$1/bin/python3.11"
  ln -s python3.11 "$1/bin/python3"
  ln -s python3.11 "$1/bin/python"
  printf 'home = %s\ninclude-system-site-packages = false\nversion = %s\n' "$rootfs/usr/bin" "$version" >"$1/pyvenv.cfg"
}
