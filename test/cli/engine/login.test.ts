import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { reply, runAgainst } from '../support/one-engine.ts'

/** Writes down what it is asked, and forgets it. */
const HELPER = `#!/bin/sh
read -r line
echo "$1 $line" >> "$(dirname "$0")/asked"
case "$line" in *unknown*) echo "credentials not found in native keychain"; exit 1;; esac
case "$line" in *locked*) echo "the keychain is locked"; exit 1;; esac
`

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shoal-login-'))
  const helper = join(directory, 'docker-credential-test')
  writeFileSync(helper, HELPER)
  chmodSync(helper, 0o755)
  vi.stubEnv('PATH', `${directory}:/usr/bin:/bin`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true })
})

const configure = (config: object): void => writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
const config = (): unknown => JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'))
const asked = (): string => readFileSync(join(directory, 'asked'), 'utf8')

function run(line: string, IdentityToken = '') {
  return runAgainst(
    line.split(' '),
    (_request, response) => reply(response, 200, { Status: 'Login Succeeded', IdentityToken }),
    { env: { DOCKER_CONFIG: directory } },
  )
}

const login = (registry: string, token?: string) => run(`login -u me -p secret ${registry}`, token)

it.each([{ credsStore: 'test' }, { credHelpers: { 'host:5000': 'test' }, credsStore: 'other' }])(
  'gives the password to the helper of %j, and not to the file',
  async given => {
    configure(given)
    const { code, stdout, stderr } = await login('host:5000')
    expect([code, stdout]).toEqual([0, 'Login Succeeded\n'])
    expect(stderr).not.toContain('unencrypted')
    expect(asked()).toBe('store {"ServerURL":"host:5000","Username":"me","Secret":"secret"}\n')
    expect(config()).toEqual({ ...given, auths: { 'host:5000': {} } })
  },
)

it('gives a token to the helper without the password', async () => {
  configure({ credsStore: 'test' })
  await login('host:5000', 'tok')
  expect(asked()).toBe('store {"ServerURL":"host:5000","Username":"<token>","Secret":"tok"}\n')
})

it('keeps a token without the password', async () => {
  await login('host:5000', 'tok')
  const auth = Buffer.from('me:').toString('base64')
  expect(config()).toEqual({ auths: { 'host:5000': { auth, identitytoken: 'tok' } } })
})

it('keeps a password in the file if no helper is named, and says so', async () => {
  expect((await login('host:5000')).stderr).toContain('stored unencrypted')
  expect(config()).toEqual({ auths: { 'host:5000': { auth: Buffer.from('me:secret').toString('base64') } } })
})

it('keeps nothing when the helper cannot', async () => {
  configure({ credsStore: 'test' })
  const { code, stderr } = await login('locked:5000')
  expect(code).toBe(1)
  expect(stderr).toContain(
    'Cannot store the credentials for locked:5000 with docker-credential-test: the keychain is locked\n',
  )
  expect(config()).toEqual({ credsStore: 'test' })
})

it('has the helper forget a login', async () => {
  configure({ auths: { 'host:5000': {}, other: {} }, credsStore: 'test' })
  expect(await run('logout host:5000')).toMatchObject({
    code: 0,
    stdout: 'Removing login credentials for host:5000\n',
  })
  expect(asked()).toBe('erase host:5000\n')
  expect(config()).toEqual({ auths: { other: {} }, credsStore: 'test' })
})

it('says that the helper knows of no login', async () => {
  configure({ credsStore: 'test' })
  expect((await run('logout unknown:5000')).stdout).toBe('Not logged in to unknown:5000\n')
})
