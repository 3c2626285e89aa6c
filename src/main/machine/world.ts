import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import type { MachineWorld } from '../../cli/index.ts'
import { awakeClock } from '../../core/awake-clock.ts'
import { withDeadline } from '../../core/clock.ts'
import { errorCode, failed, unavailable } from '../../core/errors.ts'
import { createDockerClient } from '../../docker-api/index.ts'
import {
  type Bundle,
  cleanHost,
  connectHost,
  createToken,
  driverPorts,
  dumpSshConfig,
  openBundle,
  provisionHost,
  upgradeHost,
} from '../../machine/index.ts'
import { writeSharedDurably } from '../../runtime/linux/files/durable-file.ts'
import { lockFile } from '../../runtime/linux/files/file-lock.ts'
import { obtainClientCertificate } from '../swarm/client-cert.ts'
import { VERSION } from '../version.ts'
import { peerCertificate } from './peer-certificate.ts'
import { personName } from './person-name.ts'

// Commands for several machines share files of the store, as do processes.
const files = { writeDurably: writeSharedDurably, lock: lockFile }

const ENGINE_MS_MAX = 20_000

/** The folder of `bin` and `dist`, be this process run from there or from the sources. */
function rootOf(): string {
  return resolve(process.argv[1] ?? '', '../../..')
}

/** What the commands of `machine` use of this host. */
export function createMachineWorld(): MachineWorld {
  // Packing takes seconds and much memory: once for all machines of a command.
  const bundles = new Map<string, Promise<Bundle>>()
  return {
    files,
    patience: awakeClock,
    connect: (request, { clock, random, env, atExit }, signal) =>
      connectHost(request, { clock, random, env, ...(atExit === undefined ? {} : { atExit }) }, signal),
    async runProgram(words, { env, signal }) {
      const [program = '', ...args] = words
      const child = spawn(program, args, { stdio: 'inherit', env: { ...env } })
      const stop = (): void => void child.kill('SIGTERM')
      signal.addEventListener('abort', stop, { once: true })
      try {
        const [code, name] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
        return code ?? 128 + (name === null ? 0 : constants.signals[name])
      } catch (cause) {
        if (errorCode(cause) !== 'ENOENT') throw failed('PROGRAM_FAILED', `Cannot run ${program}`, { cause })
        throw failed('PROGRAM_MISSING', `This needs ${program}, which is not installed on this machine: install it`)
      } finally {
        signal.removeEventListener('abort', stop)
      }
    },
    bundle(store) {
      const cache = store.cacheFolder
      const bundle = bundles.get(cache) ?? openBundle({ root: rootOf(), cache, version: VERSION, files })
      bundles.set(cache, bundle)
      return bundle
    },
    driverPorts,
    hosts: { provision: provisionHost, clean: cleanHost, upgrade: upgradeHost, createToken },
    async clientCertificate({ person, ...asked }, context) {
      const name = await personName(person, asked.directory, context)
      await obtainClientCertificate({ ...asked, name }, context)
    },
    async certificateOf({ host, port }, { clock, signal }) {
      const { subject, issuer, valid_to: validTo } = await peerCertificate(host, port, { clock, signal })
      return { subject: String(subject?.CN ?? ''), issuer: String(issuer?.CN ?? ''), validTo }
    },
    async askEngine(url, tls, { clock, signal }) {
      const client = createDockerClient(url, { clock, tls })
      try {
        await withDeadline(() => client.version(), ENGINE_MS_MAX, {
          clock,
          signal,
          onTimeout: () => unavailable('TIMEOUT', 'it did not answer within 20 s'),
        })
      } finally {
        client.close()
      }
    },
    sshConfigOf: (request, env) => dumpSshConfig(request, { env }),
  }
}
