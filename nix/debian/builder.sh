. "$stdenv/setup"
set -eu -o pipefail
shopt -s inherit_errexit
. "$buildCommandPath"
