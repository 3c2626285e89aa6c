import { EXCLUSIVE } from './exclusive.ts'
import { PUT_FILES } from './file-scripts.ts'

const TELL_DOCKER = String.raw`
if [ -s /var/run/docker.pid ]; then kill -HUP "$(cat /var/run/docker.pid)"; fi
`

/** Docker takes lists of registries and labels without a restart. */
export const RELOAD_DOCKER = `${EXCLUSIVE}${TELL_DOCKER}`

/** Files and what comes of them in one script, which ends even if whoever started it is killed: later, the files are no change any more. */
export const PUT_DOCKER_CONFIG = `${PUT_FILES}${TELL_DOCKER}`
