import { HOST_PATH } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'

/** Prints those of the packages that the host does not have. Words: packages. Changes nothing. */
export const LACKING_PACKAGES = String.raw`
set -eu
PATH=${HOST_PATH}
export PATH
has() {
  if command -v dpkg-query > /dev/null; then dpkg-query -W -f '$''{db:Status-Abbrev}' "$1" 2> /dev/null | grep -q '^.i'
  elif command -v rpm > /dev/null; then rpm -q --whatprovides "$1" > /dev/null 2>&1
  elif command -v apk > /dev/null; then apk info -e "$1" > /dev/null 2>&1
  elif command -v pacman > /dev/null; then pacman -Q "$1" > /dev/null 2>&1
  else false
  fi
}
for name in "$@"; do has "$name" || echo "$name"; done
`

/** Words: a command. Nobody is asked anything. */
export const RUN_COMMAND = String.raw`${EXCLUSIVE}
export DEBIAN_FRONTEND=noninteractive
# A package's own service must not start: it would take the port of ours, and stay when the host starts.
policy=/usr/sbin/policy-rc.d
mark='# put here by shoal while it installs'
# A run that was killed left it, and no service would ever start.
if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
if command -v dpkg > /dev/null && [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
  chmod 755 "$policy"
fi
"$@" < /dev/null
`

/** A store of the distribution's own would take the port of the cluster's when the host starts. */
export const DISABLE_ETCD = String.raw`${EXCLUSIVE}
if [ -d /run/systemd/system ]; then systemctl disable -q --now etcd 2> /dev/null || true
elif command -v rc-update > /dev/null; then rc-update -q del etcd default || true
elif command -v update-rc.d > /dev/null; then update-rc.d etcd disable || true
fi
`
