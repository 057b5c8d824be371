mkdir -p "$out" && cd "$out"
for d in bin sbin lib lib64; do
  mkdir -p usr/$d
  ln -s usr/$d $d
done
status=var/lib/dpkg/status.d # where scanners look for packages that dpkg did not install itself
mkdir -p $status

extract() { # extract ARCHIVE-STEM MEMBER…: a .deb's control.tar.* or data.tar.*
  local archive
  archive=$(echo "$unpacked/$1".*)
  shift
  case $archive in
    *.xz) xzcat "$archive" ;;
    *.gz) zcat "$archive" ;;
    *) echo "$archive: a compression that busybox cannot read" >&2; exit 1 ;;
  esac | tar -xof - "$@"
}

unpacked=$NIX_BUILD_TOP/deb
for deb in $debs; do
  rm -rf "$unpacked" && mkdir "$unpacked"
  (cd "$unpacked" && ar x "$deb" && extract control.tar)
  extract data.tar
  package=$(sed -n 's/^Package: //p' "$unpacked/control")
  cp "$unpacked/control" "$status/$package"
  [ ! -e "$unpacked/md5sums" ] || cp "$unpacked/md5sums" "$status/$package.md5sums"
done

# What the maintainer scripts would have done.
cp usr/share/base-passwd/passwd.master etc/passwd
cp usr/share/base-passwd/group.master etc/group
[ -e etc/nsswitch.conf ] || cp usr/share/libc-bin/nsswitch.conf etc/nsswitch.conf
mkdir -p etc/ssl/certs usr/lib/ssl
find usr/share/ca-certificates/mozilla -name '*.crt' | sort | xargs cat >etc/ssl/certs/ca-certificates.crt
ln -s /etc/ssl/certs usr/lib/ssl/certs
ln -s /etc/ssl/certs/ca-certificates.crt usr/lib/ssl/cert.pem
[ -e usr/bin/sh ] || ln -s dash usr/bin/sh
[ -e usr/bin/awk ] || ln -s mawk usr/bin/awk
ln -sf python3.11 usr/bin/python3

# Manuals and translations go; every copyright file stays, as the licences ask.
find usr/share/doc -mindepth 2 ! -type d ! -name copyright -exec rm {} +
find usr/share/doc -depth -type d -exec rmdir {} + 2>/dev/null || : # the empty ones
rm -rf usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/bug

# Nothing setuid, and no directory that only root may read: the tree is used by whoever owns the store or the image.
find . -type f -perm -4000 -exec chmod u-s {} +
find . -type f -perm -2000 -exec chmod g-s {} +
find . -type d -exec chmod 755 {} +

# Absolute links would lead out of the store (the loader's is one); relative ones are right there and in an image.
find . -type l | sort | while read -r link; do
  target=$(readlink "$link")
  case $target in
    /*)
      up=$(dirname "$link" | sed 's#^[.]/*##; s#[^/][^/]*#..#g')
      ln -snf "${up:+$up/}${target#/}" "$link"
      ;;
  esac
done

export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
"$out/lib64/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$out/usr/lib/x86_64-linux-gnu" \
  "$out/usr/bin/python3.11" -s -S "$compile" "$out/usr/lib/python3.11" "$out"
