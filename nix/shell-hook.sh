# Modules are taken from the checkout one stands in, so that an edit counts at once.
if [ -f pyproject.toml ] && [ -d src ]; then
  export PYTHONPATH=$PWD/src:$PYTHONPATH
fi

# The GPU driver is the host's: its kernel part is. A directory with links to the driver's libraries alone goes to the
# loader (NIX_DRIVER_LIBS on the Debian base, LD_LIBRARY_PATH else), so that nothing else of the host gets in.
reprotest_driver() {
  local directory library found=
  for directory in /run/opengl-driver/lib /usr/lib/wsl/lib /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib; do
    if [ -e "$directory/libcuda.so.1" ]; then
      found=$directory
      break
    fi
  done
  if [ -z "$found" ]; then
    echo "no NVIDIA driver on this host: computing on the CPU" >&2
    return
  fi
  NIX_DRIVER_LIBS=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/reprotest-driver-$(id -u)
  mkdir -p "$NIX_DRIVER_LIBS"
  for library in "$found"/libcuda.so* "$found"/libnvidia-ml.so* "$found"/libnvidia-ptxjitcompiler.so* "$found"/libnvidia-nvvm.so*; do
    [ ! -e "$library" ] || ln -sfn "$library" "$NIX_DRIVER_LIBS/"
  done
  export NIX_DRIVER_LIBS LD_LIBRARY_PATH=$NIX_DRIVER_LIBS
  echo "NVIDIA driver of this host: $found" >&2
}
reprotest_driver
unset -f reprotest_driver

PS1='\[\e[1;32m\]('$REPROTEST_SHELL')\[\e[0m\] \w \$ '
