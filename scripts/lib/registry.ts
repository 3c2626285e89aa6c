import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { until } from './command.ts'
import { recall, startRemembered } from './processes.ts'

export interface RegistryOptions {
  /** `host:port` to listen on. */
  readonly address: string
  readonly pidFile: string
  readonly log: string
  /** Where images are kept. */
  readonly storage: string
}

/** Starts Debian's image registry, or finds it running. */
export async function startRegistry({ address, pidFile, log, storage }: RegistryOptions): Promise<void> {
  if (recall(pidFile) === undefined) {
    mkdirSync(storage, { recursive: true })
    mkdirSync(dirname(pidFile), { recursive: true })
    const config = join(dirname(pidFile), 'registry.yml')
    writeFileSync(
      config,
      JSON.stringify({
        version: '0.1',
        log: { level: 'warn' },
        storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
        http: { addr: address },
      }),
    )
    startRemembered(pidFile, ['docker-registry', 'serve', config], { log })
  }
  await until(`the registry at ${address}`, async () => ((await fetch(`http://${address}/v2/`)).ok ? true : undefined))
}
