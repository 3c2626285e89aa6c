import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { umbrella } from '../../../src/main/programs.ts'
import { runCommand } from '../../cli/support/run.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { freePort, until } from '../manager/support.ts'

/** Of bob's password, which is pw. */
const HASH = '$2b$12$vOOI8vuaVnSAu8yAdPCgUOP48kcX5QXiHnbhy7kdMsqEmQ2Rux4am'

let engine: ShoalEngine
let child: ChildProcess
let registry: string
let image: string

const cli = (argv: readonly string[], { input = '', env = {} } = {}) =>
  runCommand(['-H', engine.host, ...argv], {
    root: umbrella,
    clock: systemClock,
    env: { HOME: engine.directory, ...env },
    input,
  })

beforeAll(async () => {
  engine = await startShoalEngine()
  const at = (name: string): string => join(engine.directory, name)
  registry = `127.0.0.1:${await freePort()}`
  image = `${registry}/team/app:1`
  await writeFile(at('users'), `bob:${HASH}\n`)
  const config = [
    'version: 0.1',
    'log: {level: error, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${at('registry')}}}`,
    `http: {addr: "${registry}"}`,
    `auth: {htpasswd: {realm: here, path: ${at('users')}}}`,
  ]
  await writeFile(at('registry.yml'), config.join('\n'))
  child = spawn('docker-registry', ['serve', at('registry.yml')], { stdio: 'ignore' })
  await until('the registry', async () => (await fetch(`http://${registry}/v2/`)).status === 401)
  await writeFile(at('app.tar'), await busyboxArchive({ name: image }))
  expect(await cli(['load', '-i', at('app.tar')])).toMatchObject({ code: 0 })
})
afterAll(async () => {
  child?.kill('SIGKILL')
  await engine?.stop()
})

const login = (password: string) =>
  cli(['login', '-u', 'bob', '--password-stdin', registry], { input: `${password}\n` })

it('is refused without a login, and with a wrong one', async () => {
  expect(await cli(['push', image])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('authentication required'),
  })
  expect(await login('wrong')).toMatchObject({ code: 1, stderr: expect.stringContaining('401 Unauthorized') })
  expect(await cli(['login', registry])).toMatchObject({ code: 2, stderr: expect.stringContaining('non TTY') })
})

it('pushes, pulls, runs and builds as who we are, until we log out', async () => {
  expect(await login('pw')).toMatchObject({ code: 0, stdout: 'Login Succeeded\n' })
  const pushed = await cli(['push', image])
  expect(pushed).toMatchObject({ code: 0, stderr: '' })
  expect(pushed.stdout).toMatch(/^The push refers to repository .*\n1: digest: sha256:[0-9a-f]{64} size: \d+\n$/s)
  expect(await cli(['push', '-q', '--platform', 'linux/s390x', image])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('does not match the specified platform: wanted linux/s390x'),
  })
  await cli(['rmi', image])
  const pulled = await cli(['pull', image])
  expect(pulled.stdout).toMatch(/^1: Pulling from team\/app\n.*Status: Downloaded newer image for .*\n$/s)
  expect(pulled.stdout.endsWith(`\n${image}\n`)).toBe(true)
  expect((await cli(['pull', '-q', image])).stdout).toBe(`${image}\n`)
  await cli(['rmi', image])
  const run = await cli(['run', '--rm', '--network', 'none', image, 'echo', 'ran'])
  expect(run).toMatchObject({ code: 0, stdout: 'ran\n' })
  expect(run.stderr).toMatch(/^Unable to find image '.*team\/app:1' locally\n1: Pulling from team\/app\n/)
  const folder = join(engine.directory, 'context')
  await mkdir(folder)
  await writeFile(join(folder, 'Dockerfile'), `FROM ${image}\n`)
  await cli(['rmi', image])
  expect(await cli(['build', '-q', folder])).toMatchObject({ code: 0, stderr: '' })
  expect((await cli(['logout', registry])).stdout).toBe(`Removing login credentials for ${registry}\n`)
  expect((await cli(['logout', registry])).stdout).toBe(`Not logged in to ${registry}\n`)
  expect(await cli(['pull', image])).toMatchObject({ code: 1 })
})

it('asks the program that keeps secrets, if the config names one', async () => {
  const config = join(engine.directory, 'helped')
  await mkdir(config)
  const helper = '#!/bin/sh\nread address\nprintf "{\\"Username\\":\\"bob\\",\\"Secret\\":\\"pw\\"}"\n'
  await writeFile(join(config, 'docker-credential-test'), helper, { mode: 0o755 })
  await writeFile(join(config, 'config.json'), JSON.stringify({ credHelpers: { [registry]: 'test' } }))
  // Programs are found by this process's own path.
  const before = process.env['PATH']
  process.env['PATH'] = `${config}:${before}`
  try {
    expect(await cli(['pull', '-q', image], { env: { DOCKER_CONFIG: config } })).toMatchObject({ code: 0 })
  } finally {
    process.env['PATH'] = before
  }
  expect(await cli(['pull', image], { env: { DOCKER_CONFIG: config } })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('docker-credential-test: it is not installed'),
  })
})
