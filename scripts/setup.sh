#!/bin/sh
# Installs what the project needs on Debian 12, says what it does, and does nothing that is done already.
# Usage: setup.sh run | test      `test` adds the programs that only the tests use.
set -eu
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'shoal: %s\n' "$*" >&2; exit 1; }

mode=${1:-run}
[ "$(uname -s)" = Linux ] || fail "this needs Linux: it makes namespaces, mounts and bridges"
[ "$(id -u)" = 0 ] || fail "this needs root: it makes namespaces, mounts and bridges. Run it again with sudo"

packages="runc conmon tini golang-github-containers-common etcd-server nftables iproute2 util-linux procps docker-registry busybox-static ca-certificates"
[ "$mode" = test ] && packages="$packages etcd-client skopeo docker.io docker-compose openssl curl openssh-client openssh-server sudo mmdebstrap qemu-system-x86 qemu-utils e2fsprogs"

missing=
for package in $packages; do
  dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || fail "these Debian packages are missing and there is no apt-get:$missing"
  say "Installing Debian packages:$missing"
  # The packages' own services must not start: they would take the ports of other people's.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT INT TERM
  fi
  log=$(mktemp)
  { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing; } > "$log" 2>&1 ||
    { tail -n 20 "$log" >&2; rm -f "$log"; fail "cannot install the packages above; see the lines before this one"; }
  rm -f "$log"
fi

installed=node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; then
  say "Installing npm packages (about 500 MB, once)"
  # Not `npm ci`: it refuses a lock without the optional packages of other platforms, which a mirror may not hold.
  # `--no-save` keeps to the versions and hashes of the lock and does not write to it.
  npm install --no-save --no-fund --no-audit --loglevel=error >&2 || fail "npm install failed; see the lines before this one"
  touch "$installed"
fi

PATH=$PWD/node_modules/.bin:$PATH
node scripts/build.ts >&2
