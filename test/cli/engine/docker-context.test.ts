import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Options } from '../../../src/cli/command.ts'
import { engineHost, readClientTls } from '../../../src/cli/engine/engine-address.ts'
import { managerAddress, namedManager } from '../../../src/cli/manager/manager-address.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-contexts-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** As `docker context create` leaves it. */
function writeContext(name: string, meta: unknown, tls: Readonly<Record<string, string>> = {}): void {
  const id = createHash('sha256').update(name).digest('hex')
  const folders = {
    meta: join(directory, 'contexts', 'meta', id),
    tls: join(directory, 'contexts', 'tls', id, 'docker'),
  }
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true })
  writeFileSync(join(folders.meta, 'meta.json'), typeof meta === 'string' ? meta : JSON.stringify(meta))
  for (const [file, text] of Object.entries(tls)) writeFileSync(join(folders.tls, file), text)
}

writeContext('laptop', { Name: 'laptop', Endpoints: { docker: { Host: 'unix:///run/laptop.sock' } } })
writeContext(
  'lab',
  { Endpoints: { docker: { Host: 'tcp://lab:2376' } } },
  { 'ca.pem': 'CA', 'cert.pem': 'C', 'key.pem': 'K' },
)
writeContext('lax', { Endpoints: { docker: { Host: 'tcp://lax:2376', SkipTLSVerify: true } } })
writeContext('kube', { Endpoints: { kubernetes: {} } })
writeContext('torn', '{"Endpoints":')
writeFileSync(join(directory, 'config.json'), JSON.stringify({ currentContext: 'laptop', auths: {} }))

function flags(texts: Readonly<Record<string, string>> = {}): { options: Options; globals: Options } {
  const options: Options = {
    flag: () => false,
    choice: () => undefined,
    text: name => texts[name],
    list: () => [],
    number: () => undefined,
  }
  return { options, globals: options }
}

const { signal } = new AbortController()
const env = (more: Readonly<Record<string, string>> = {}) => ({
  env: { DOCKER_CONFIG: directory, ...more },
  clock: new ManualClock(),
  signal,
})

describe("docker's contexts", () => {
  it.each([
    ['what `docker context use` says', {}, {}, 'unix:///run/laptop.sock'],
    ['DOCKER_CONTEXT', {}, { DOCKER_CONTEXT: 'lab' }, 'tcp://lab:2376'],
    ['DOCKER_HOST before both', {}, { DOCKER_CONTEXT: 'lab', DOCKER_HOST: 'tcp://other:1' }, 'tcp://other:1'],
    ['SHOAL_HOST before both', {}, { DOCKER_CONTEXT: 'lab', SHOAL_HOST: 'tcp://ours:2' }, 'tcp://ours:2'],
    ['--host before all', { host: 'tcp://named:3' }, { DOCKER_HOST: 'tcp://other:1' }, 'tcp://named:3'],
    ['--context before variables', { context: 'lab' }, { DOCKER_HOST: 'tcp://other:1' }, 'tcp://lab:2376'],
    ['the context default, which is none', { context: 'default' }, { DOCKER_HOST: 'tcp://other:1' }, 'tcp://other:1'],
  ])('are heeded in its order: %s', async (_, texts, variables, host) => {
    expect(await engineHost(flags(texts), env(variables))).toBe(host)
    expect(await managerAddress(flags(texts), env(variables))).toMatchObject({ url: host })
    expect(namedManager(flags(texts), env(variables)).url).toBe(host)
  })

  it('are nothing where nobody has a configuration', () => {
    expect(namedManager(flags(), { env: {} }).url).toBe('tcp://127.0.0.1:3375')
    expect(namedManager(flags(), { env: { HOME: join(directory, 'nobody') } }).url).toBe('tcp://127.0.0.1:3375')
  })

  it('bring their certificates along, and nothing else does then', () => {
    const text = (context: string) =>
      JSON.parse(JSON.stringify(readClientTls(flags({ context }), env()) ?? null)) as object
    const bytes = (word: string) => ({ type: 'Buffer', data: [...Buffer.from(word)] })
    expect(text('lab')).toEqual({ verify: true, ca: bytes('CA'), cert: bytes('C'), key: bytes('K') })
    expect(text('lax')).toEqual({ verify: false })
    expect(text('laptop')).toBeNull()
  })

  it.each([
    ['nowhere', /context "nowhere": context not found/],
    ['kube', /context "kube" names no host for docker/],
    ['torn', /Cannot read .*meta\.json/],
  ])('are refused where they cannot be followed: %s', async (context, message) => {
    await expect(engineHost(flags({ context }), env())).rejects.toThrow(message)
  })

  it('are not named together with a host', async () => {
    await expect(engineHost(flags({ context: 'lab', host: 'tcp://x:1' }), env())).rejects.toThrow(
      'conflicting options: cannot specify both --host and --context',
    )
  })
})
