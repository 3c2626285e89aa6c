import { LOCK_WAIT_S } from '../../hosts/os-table.ts'
import { HOST_PATH } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'

/** Of one package, and whose database is asked: `database`. */
const HAS = String.raw`
has() {
  case $database in
    dpkg) dpkg-query -W -f '$''{db:Status-Abbrev}' "$1" 2> /dev/null | grep -q '^.i' ;;
    rpm) rpm -q --whatprovides "$1" > /dev/null 2>&1 ;;
    apk) apk info -e "$1" > /dev/null 2>&1 ;;
    pacman) pacman -Q "$1" > /dev/null 2>&1 ;;
  esac
}
`

/** Prints those of the packages that the host does not have. Words: the database of packages, then packages. Changes nothing. */
export const LACKING_PACKAGES = String.raw`
set -eu
PATH=${HOST_PATH}
export PATH
database=$1
shift
${HAS}
for name in "$@"; do has "$name" || echo "$name"; done
`

/** Nobody is asked anything, and others who install packages are waited for. */
const UNATTENDED = String.raw`${EXCLUSIVE}
export DEBIAN_FRONTEND=noninteractive ZYPP_LOCK_TIMEOUT=${LOCK_WAIT_S}
unattended() {
  code=0
  "$@" < /dev/null || code=$?
  # It is done, says zypper, but the host or zypper itself is to be started anew, or a repository was passed over.
  case $1:$code in zypper:102 | zypper:103 | zypper:106) code=0 ;; esac
  return "$code"
}
`

/** Words: a command. */
export const RUN_COMMAND = String.raw`${UNATTENDED}
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
unattended "$@"
`

/**
 * Removes those of the packages that are there: a run that failed may have installed none, and some programs then remove none of the
 * others either. Words: the database of packages, how many words the command has, the command, packages.
 */
export const REMOVE_PACKAGES = String.raw`${UNATTENDED}
database=$1
left=$2
shift 2
${HAS}
count=$(($# - left))
while [ "$left" -gt 0 ]; do set -- "$@" "$1"; shift; left=$((left - 1)); done
found=
while [ "$count" -gt 0 ]; do
  if has "$1"; then set -- "$@" "$1"; found=yes; fi
  shift
  count=$((count - 1))
done
if [ -n "$found" ]; then unattended "$@"; fi
`

/** A store of the distribution's own would take the port of the cluster's when the host starts. */
export const DISABLE_ETCD = String.raw`${EXCLUSIVE}
if [ -d /run/systemd/system ]; then systemctl disable -q --now etcd 2> /dev/null || true
elif command -v rc-update > /dev/null; then rc-update -q del etcd default || true
elif command -v update-rc.d > /dev/null; then update-rc.d etcd disable || true
fi
`
