import { HOST_PATH } from '../host-paths.ts'

/** Shorter than any script is waited for: one that was given up must not begin later, when nobody watches. */
const LOCK_WAIT_S = 45

/**
 * Before every change. A machine that was killed leaves its last script running on the host: the next one waits until it has
 * ended. The lock is of descriptor 9, which daemons must not inherit; a Korn shell gives it to nobody who is not told of it.
 */
export const EXCLUSIVE = String.raw`
set -eu
PATH=${HOST_PATH}
LC_ALL=C
export PATH LC_ALL
umask 022
mkdir -p /run/shoal-machine
exec 9> /run/shoal-machine/lock
if command -v flock > /dev/null; then
  timeout ${LOCK_WAIT_S} flock 9 9>&9 || { echo 'another run is still at work here: run the same again once it has ended' >&2; exit 75; }
fi
`
