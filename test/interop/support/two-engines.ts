import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { Hosts } from '../../../scripts/lib/hosts.ts'
import { hashOf } from '../../../src/core/digest.ts'
import { talkTo } from '../../support/engine-http.ts'
import { type PeerEngine, type PeerName, startPeerEngine } from '../../support/peer-engine.ts'
import { DIFFERENCES } from '../differences.ts'
import { type Answer, disagreements } from './compare.ts'
import { Script } from './script.ts'

const PEERS: readonly PeerName[] = ['shoal', 'docker']

export interface TwoEngines {
  readonly directory: () => string
  /** Address of this machine as both hosts see it. */
  readonly gateway: string
  readonly engines: () => readonly PeerEngine[]
  /** Runs the same script on both engines and fails with every field in which their answers differ. */
  readonly agree: (run: (script: Script) => Promise<void>) => Promise<void>
}

export interface TwoEnginesOptions {
  /** Second byte of the hosts' network; each file has its own. */
  readonly subnet: number
  /** Archives that both engines load first. */
  readonly images: readonly Buffer[]
}

/** Both engines, each on a host of its own, for the tests of one file. */
export function twoEngines({ subnet, images }: TwoEnginesOptions): TwoEngines {
  const directory = mkdtempSync(join(tmpdir(), 'shoal-interop-'))
  const gateway = `10.${subnet}.0.1`
  const bridge = `sh-i${hashOf(directory).slice(0, 6)}`
  const hosts = new Hosts({ directory: join(directory, 'hosts'), bridge, gateway })
  const engines: PeerEngine[] = []
  beforeAll(async () => {
    await hosts.open()
    for (const [index, name] of PEERS.entries()) {
      const flags = ['--bip', '172.17.0.1/16', '--insecure-registry', `10.${subnet}.0.0/24`]
      const engine = await startPeerEngine(hosts, { name, address: `10.${subnet}.0.${11 + index}`, flags })
      const http = talkTo(engine.socket)
      for (const archive of images) await http.call('POST', '/images/load', archive)
      http.close()
      engines.push(engine)
    }
  })
  afterAll(async () => {
    await hosts.removeAll()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    directory: () => directory,
    gateway,
    engines: () => engines,
    async agree(run) {
      const [ours = [], theirs = []] = await Promise.all(engines.map(engine => answersOf(engine, run)))
      expect(disagreements(ours, theirs, DIFFERENCES)).toEqual([])
    },
  }
}

async function answersOf(engine: PeerEngine, run: (script: Script) => Promise<void>): Promise<readonly Answer[]> {
  const script = new Script(engine)
  try {
    await run(script)
    return script.answers
  } finally {
    await script.clean()
  }
}
