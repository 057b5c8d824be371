export PATH=$NIX_BUILD_TOP/.busybox
"$seed/bin/busybox" mkdir -p "$PATH"
"$seed/bin/busybox" --install -s "$PATH"
export HOME=/homeless-shelter LC_ALL=C TZ=UTC
umask 022
. "$scriptPath"
