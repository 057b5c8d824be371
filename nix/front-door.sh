# What nix/run is made of. Every failure ends in one sentence with the command that helps.

say() { echo "nix/run: $*" >&2; }
die() {
  say "$*"
  exit 1
}

install_debian_packages() { # those that are missing, on Debian as root; elsewhere they are named
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    say "not Debian: install ${missing[*]} by this system's own means"
    return 1
  elif [ "$(id -u)" != 0 ]; then
    say "not root; to go on: sudo apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  say "installing ${missing[*]} from Debian"
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}"; } >&2
}

need_nix() {
  if ! command -v nix >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      install_debian_packages nix-bin git python3 python3-pip || die "Nix could not be installed, see above"
    else
      die "Nix is not installed. On Debian: sudo apt-get install nix-bin nix-setup-systemd, then log in again; elsewhere: your system's package, 2.8 or newer"
    fi
  fi
  local version
  version=$(nix --version | sed 's/.* //')
  [ "$(printf '%s\n' 2.8 "$version" | sort -V | head -1)" = 2.8 ] ||
    die "Nix $version is too old for this flake; expected 2.8 or newer: on Debian 12, apt-get install nix-bin"
  if [ ! -S /nix/var/nix/daemon-socket/socket ] && [ "$(id -u)" != 0 ] && [ ! -w /nix/store ]; then
    die "/nix/store cannot be written and no Nix daemon runs: sudo apt-get install nix-setup-systemd, then log in again"
  fi
}

need_namespaces() {
  unshare --user --map-root-user true 2>/dev/null ||
    die "this host gives no user namespaces, which Nix's sandbox needs: sudo sysctl user.max_user_namespaces=15000 (in a container, start it with --privileged or --security-opt seccomp=unconfined)"
}

use_debian() { # settings of our own; `nix develop` takes its shell from what the registry calls nixpkgs
  base=debian flake=./nix/debian
  need_namespaces
  NIX_CONF_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/reprotest/nix/$(echo "$PWD" | sha256sum | head -c 16)
  export NIX_CONF_DIR
  mkdir -p "$NIX_CONF_DIR"
  cp nix/conf/nix.conf "$NIX_CONF_DIR/nix.conf"
  cat >"$NIX_CONF_DIR/registry.json" <<END
{"version": 2, "flakes": [{"from": {"type": "indirect", "id": "nixpkgs"}, "to": {"type": "path", "path": "$PWD/nix/debian"}}]}
END
  echo '{"version": 2, "flakes": []}' >"$NIX_CONF_DIR/empty-registry.json"
  echo "flake-registry = $NIX_CONF_DIR/empty-registry.json" >>"$NIX_CONF_DIR/nix.conf"
}

# shellcheck disable=SC2034 # nix/run reads base and flake
use_nixpkgs() { # the user's own settings, and flakes
  base=nixpkgs flake=.
  export NIX_CONFIG="extra-experimental-features = nix-command flakes
${NIX_CONFIG:-}"
}

nixpkgs_in_reach() {
  python3 - <<'END'
import sys, urllib.error, urllib.request
for host in ("github.com", "cache.nixos.org"):
    try:
        urllib.request.urlopen(urllib.request.Request(f"https://{host}/nix-cache-info", method="HEAD"), timeout=3)
    except urllib.error.HTTPError:
        pass  # it answers
    except OSError:
        sys.exit(host)
END
}

choose_base() {
  local unreachable
  case ${BASE:-auto} in
    debian) use_debian ;;
    nixpkgs) use_nixpkgs ;;
    auto)
      if unreachable=$(nixpkgs_in_reach 2>&1); then
        use_nixpkgs
        say "base nixpkgs: github.com and cache.nixos.org can be reached (BASE=debian for the other)"
      else
        use_debian
        say "base Debian: $unreachable cannot be reached (BASE=nixpkgs for the other)"
      fi
      ;;
    *) die "BASE=$BASE is not known: nixpkgs, debian or auto" ;;
  esac
}

bring() { # the pinned files that some installables need; nothing to do with the nixpkgs base, which fetches itself
  [ "$base" != debian ] || python3 nix/debian/prefetch "$@" || exit 1
}

explained() { # run a command; when it fails, end with a sentence for the causes that have a remedy
  local log help
  log=$(mktemp)
  if { "$@" 2>&1 >&3 | tee "$log" >&2; } 3>&1; then
    rm -f "$log"
    return 0
  fi
  help=$(remedy "$log")
  rm -f "$log"
  die "${help:-nix $2 failed, see above}"
}

remedy() { # what helps against what a log says
  case $(cat "$1") in
    *"No space left on device"*) echo "the disk is full: free some space (nix-collect-garbage -d), then run it again" ;;
    *"not in the Nix store: "* | *the-seed-is-missing*) echo "a pinned file is missing: make prefetch" ;;
    *"out of step with pyproject.toml"*) echo "poetry.lock is out of step with pyproject.toml: make relock" ;;
    *"hash mismatch"*) echo "a file is not the pinned one: make prefetch UPDATE=1, or poetry lock for a wheel" ;;
    *"kernel namespaces"*) echo "no user namespaces for Nix's sandbox: sudo sysctl user.max_user_namespaces=15000" ;;
  esac
}
