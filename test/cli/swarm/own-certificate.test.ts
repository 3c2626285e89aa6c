import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { swarmGroup } from '../../../src/cli/index.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Scope } from '../../../src/core/scope.ts'
import { authorityDigest, isIssuedBy, type KeyPair, readCertificate } from '../../../src/trust/index.ts'
import { CLUSTER, makeAuthority, makeMember, maker } from '../../main/trust/lab.ts'
import { runCommand } from '../support/run.ts'

let scope: Scope
let folder: string
let [before, after, foreign]: KeyPair[] = []

beforeEach(async () => {
  scope = new Scope()
  folder = await mkdtemp(join(tmpdir(), 'shoal-own-'))
  scope.defer(() => rm(folder, { recursive: true }))
  ;[before, after, foreign] = [await makeAuthority(), await makeAuthority(), await makeAuthority('other')]
  const ann = await makeMember('ann', 'client', { authority: before })
  await mkdir(join(folder, 'kept'))
  const { certificate, key } = ann.credentials
  await writeFile(join(folder, 'kept/authorities'), `# all\n${foreign.certificate}${before.certificate}`, {
    mode: 0o644,
  })
  await symlink('kept/authorities', join(folder, 'ca.pem'))
  await writeFile(join(folder, 'cert.pem'), certificate)
  await writeFile(join(folder, 'key.pem'), key)
})
afterEach(() => scope[Symbol.asyncDispose]())

/** A manager that answers so, and `swarm` with the certificate in the folder. */
async function manager(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void) {
  const { credentials } = await makeMember('m1', 'manager', { authority: before as KeyPair })
  const tls = { cert: credentials.certificate, key: credentials.key, requestCert: true, rejectUnauthorized: false }
  const server = createServer(tls, (request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  scope.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const none = () => Promise.reject(new Error('not meant'))
  const programs = { create: none, list: none, join: none, leave: none, manage: none, clientCertificate: none }
  const root = swarmGroup({ ...programs, engineFlags: [], tlsFlags: [] })
  const env = { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder }
  return (...argv: readonly string[]) => runCommand(argv, { root, env })
}

const say = (response: ServerResponse, status: number, body: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

/** A change of the authority that goes one step on with everything that its person says. */
async function changing(told: string[][]) {
  const [first, second] = [before as KeyPair, after as KeyPair]
  const view = () => {
    const [step = 'steady', signing = second] =
      [['introducing', first] as const, ['renewing', second] as const, ['steady', second] as const][told.length] ?? []
    const trusted = step === 'steady' ? [second] : [first, second]
    const authorities = trusted.map(each => {
      const { certificate } = each
      return { certificate, digest: authorityDigest(certificate), signs: each === signing }
    })
    return { clusterId: CLUSTER, step, authorities, waitsFor: [] }
  }
  let hasBegun = false
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '' } = request
    const posted = request.method === 'POST' ? ((await json(request).catch(() => ({}))) as Record<string, never>) : {}
    if (url === '/v1/confirm') told.push(posted['trusts'] ?? [])
    if (url === '/v1/renew') {
      const subject = { name: 'ann', role: 'client', clusterId: CLUSTER } as const
      const life = { fromMs: 0, untilMs: systemClock.nowMs() + 60_000 }
      const certificate = await maker.sign({ csr: posted['csr'] ?? '', authority: second, subject, hosts: [], life })
      return say(response, 200, { certificate })
    }
    if (url.includes('/rotate')) hasBegun = true
    say(response, 200, hasBegun ? view() : { ...view(), step: 'steady' })
  }
}

it('follows a change of the authority in a file that trusts others too, where a link leads, as its owner has it', async () => {
  const told: string[][] = []
  const swarm = await manager(await changing(told))
  expect(await swarm('ca', 'rotate', '--wait')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Your certificate was renewed'),
  })
  const ca = await readFile(join(folder, 'ca.pem'), 'utf8')
  expect(ca).toBe(`# all\n${foreign?.certificate}${after?.certificate}`)
  expect((await lstat(join(folder, 'ca.pem'))).isSymbolicLink()).toBe(true)
  expect((await stat(join(folder, 'kept/authorities'))).mode & 0o777).toBe(0o644)
  expect(isIssuedBy(await readFile(join(folder, 'cert.pem'), 'utf8'), after?.certificate ?? '')).toBe(true)
  // Of the cluster's alone.
  const digests = [before, after].map(each => authorityDigest(each?.certificate ?? ''))
  expect(told).toEqual([digests, digests])
})

const REVOKED = { code: 'NOT_ADMITTED', message: 'Not admitted: the certificate of ann was revoked' }

it.each(['hangs up', 'answers', 'has not heard of it'])(
  'says that it was ours that was taken back, last of all, where the manager %s',
  async manner => {
    const asked: string[] = []
    let heard = manner === 'has not heard of it' ? 2 : 0
    const swarm = await manager(({ method, url = '', socket }, response) => {
      asked.push(`${method} ${url}`)
      const isGone = asked.includes('DELETE /v1/certificates/ann')
      if (method === 'DELETE' && url.endsWith('ann') && manner !== 'answers') return void socket.destroy()
      if (!isGone || method === 'DELETE') return say(response, 200, { waitsFor: [], hasForeignStore: false })
      if (heard-- > 0) return say(response, 200, [])
      say(response, 403, REVOKED)
    })
    const { code, stdout, stderr } = await swarm('cert', 'revoke', 'ann', 'bob')
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'bob\nann\n',
      stderr: 'The certificate of ann was yours: it is taken back, and you are not let in with it any more\n',
    })
    expect(asked[0]).toBe('DELETE /v1/certificates/bob')
  },
)

it('says what went wrong where our own was not taken back', async () => {
  expect(readCertificate(await readFile(join(folder, 'cert.pem'), 'utf8')).subject?.name).toBe('ann')
  const swarm = await manager((_request, response) =>
    say(response, 400, { code: 'STORE_BUSY', message: 'Others change them at the same time' }),
  )
  expect(await swarm('cert', 'revoke', 'ann')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('Others change them at the same time'),
  })
})
