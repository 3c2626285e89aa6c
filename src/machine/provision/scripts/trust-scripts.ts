import { HOST_PATH, PLACES } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'

/** Makes the authority of a cluster on its first manager. Word: where its files are. */
export const CREATE_CLUSTER = String.raw`${EXCLUSIVE}
[ -e "$1/trust/authority.json" ] || ${PLACES.current}/bin/swarm create --trust --data-root "$1"
`

/** Longer than it takes from making a token to using it: it is made when all else is ready. */
const TOKEN_LIFE = '1h'

/** Prints a token by which others join. Words: the manager's socket, the role. */
export const CREATE_TOKEN = String.raw`
set -eu
PATH=${HOST_PATH}
export PATH
${PLACES.current}/bin/swarm token create --role "$2" --once --expires ${TOKEN_LIFE} -H "unix://$1"
`

/** Makes a token here for the agent of this host. Words: the manager's socket, the file. */
export const KEEP_OWN_TOKEN = String.raw`${EXCLUSIVE}
umask 077
${PLACES.current}/bin/swarm token create --role node --once --expires ${TOKEN_LIFE} -H "unix://$1" > "$2.new"
mv "$2.new" "$2"
`

/** Who has joined has a certificate, and no use for a token. */
export const REMOVE_TOKEN = String.raw`${EXCLUSIVE}
rm -f ${PLACES.token}
`
