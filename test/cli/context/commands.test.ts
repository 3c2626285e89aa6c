import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contextPlaces } from '../../../src/cli/engine/contexts/context-places.ts'
import { ENGINE_OPTIONS, engineVerbs } from '../../../src/cli/index.ts'
import { runCommand } from '../support/run.ts'

const root = { name: 'shoal', summary: '', options: ENGINE_OPTIONS, commands: engineVerbs('9.9.9') }

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-contexts-'))
  for (const file of ['ca', 'cert', 'key']) writeFileSync(join(folder, `${file}.pem`), file.toUpperCase())
})
afterEach(() => rmSync(folder, { recursive: true }))

const env = () => ({ DOCKER_CONFIG: join(folder, 'docker') })
const places = (name: string) => contextPlaces(env(), name)

/** A line of words, or words that have blanks in them. */
function context(line: string | readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const words = typeof line === 'string' ? line.split(' ') : line
  return runCommand(['context', ...words], { root, cwd: folder, env: { ...env(), ...variables } })
}

const CERTIFIED = 'create lab --docker host=tcp://lab:2376,ca=ca.pem,cert=cert.pem,key=key.pem --description lab'

describe('shoal context', () => {
  it('keeps keys where only we may read them', async () => {
    expect(await context(CERTIFIED)).toMatchObject({ code: 0, stdout: 'lab\n' })
    const key = join(places('lab').tls, 'docker', 'key.pem')
    expect([readFileSync(key, 'utf8'), statSync(key).mode & 0o777]).toEqual(['KEY', 0o600])
    expect(statSync(places('lab').tls).mode & 0o777).toBe(0o700)
  })

  it('copies, changes and forgets certificates with their host', async () => {
    await context(CERTIFIED)
    await context('create copy --from lab')
    await context('update lab --docker host=ssh://ann@lab')
    const { stdout } = await context([
      'inspect',
      '-f',
      '{{.Endpoints.docker.Host}}|{{json .TLSMaterial}}',
      'lab',
      'copy',
    ])
    expect(stdout).toBe('ssh://ann@lab|{}\ntcp://lab:2376|{"docker":["ca.pem","cert.pem","key.pem"]}\n')
    await context('update lab --description other')
    expect((await context('inspect -f {{.Metadata.Description}}|{{.Endpoints.docker.Host}} lab')).stdout).toBe(
      'other|ssh://ann@lab\n',
    )
  })

  it('is used until another is, and not removed meanwhile', async () => {
    await context(CERTIFIED)
    const used = await context('use lab', { DOCKER_HOST: 'tcp://x:1' })
    expect(used.stderr).toBe(
      'Current context is now "lab"\nWarning: DOCKER_HOST environment variable overrides the active context. To use "lab", either set the global --context flag, or unset DOCKER_HOST environment variable.\n',
    )
    expect((await context('show')).stdout).toBe('lab\n')
    expect((await context('show', { DOCKER_HOST: 'tcp://x:1' })).stdout).toBe('default\n')
    expect(await context('rm lab')).toMatchObject({
      code: 1,
      stderr: 'context "lab" is in use, set -f flag to force remove\n',
    })
    expect(await context('rm -f lab')).toMatchObject({ code: 0, stdout: 'lab\n' })
    expect((await context('show')).stdout).toBe('default\n')
    expect(readdirSync(join(folder, 'docker', 'contexts', 'tls'))).toEqual([])
  })

  it('keeps what else stands in docker’s configuration', async () => {
    mkdirSync(join(folder, 'docker'))
    const path = join(folder, 'docker', 'config.json')
    writeFileSync(path, '{"auths":{"r:1":{"auth":"eDp5"}},"psFormat":"x"}')
    await context('create lab --docker host=tcp://lab:1')
    await context('use lab')
    await context('use default')
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ auths: { 'r:1': { auth: 'eDp5' } }, psFormat: 'x' })
  })

  it.each([
    ['create default --docker host=tcp://x:1', '"default" is a reserved context name'],
    ['create ../x --docker host=tcp://x:1', 'context name "../x" is invalid'],
    ['create x --docker host=tcp://x:1', 'context name "x" is invalid'],
    ['create lab --docker hosst=tcp://x:1', 'unrecognized config key: hosst'],
    ['create lab --docker host=ssh://-oProxyCommand=id', 'Cannot use the address'],
    ['create lab --docker host=', 'unable to parse docker host'],
    ['create lab --docker host=tcp://x:1,ca=nosuch.pem', 'nosuch.pem: no such file or directory'],
    ['create lab --docker host=tcp://x:1,cert=cert.pem', 'cert and key must be given together'],
    ['create lab --docker host=tcp://x:1,skip-tls-verify=maybe', 'strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['create lab --docker host', 'host must be formatted as key=value'],
    ['create lab --docker from=nosuch', 'context "nosuch": context not found'],
    ['create lab --from nosuch', 'context "nosuch": context not found'],
    ['create lab --from default --docker host=tcp://x:1', 'cannot use --docker flag when --from is set'],
    ['update nosuch', 'context "nosuch": context not found'],
    ['update default', '"default" is a reserved context name'],
    ['use nosuch', 'context "nosuch": context not found'],
    ['rm default', 'context "default" cannot be removed'],
    ['rm nosuch', 'context "nosuch" does not exist'],
    ['import lab nosuch.tar', 'nosuch.tar: no such file or directory'],
    ['import lab /dev/zero', 'it is larger than 10 MiB'],
    ['export default /nosuch/x', 'there is no such directory'],
  ])('refuses %s', async (line, message) => {
    const { code, stderr, stdout } = await context(line)
    expect([code, stdout]).toEqual([expect.toSatisfy((number: number) => number === 1 || number === 2), ''])
    expect(stderr).toContain(message)
    expect((await context('ls -q')).stdout).toBe('default\n')
  })
})

describe('a context that somebody else wrote', () => {
  function write(name: string, text: string, at = name): void {
    mkdirSync(places(at).meta, { recursive: true })
    writeFileSync(places(at).metaFile, text)
  }

  it.each([
    ['not JSON', '{', /Cannot read/],
    ['a list', '[]', /not an object/],
    ['endpoints of numbers', '{"Name":"odd","Endpoints":{"docker":1}}', /Endpoints/],
    ['another name', '{"Name":"../../evil","Endpoints":{}}', /folder is that of another name/],
    ['no engine', '{"Name":"odd","Endpoints":{}}', /cannot find docker endpoint/],
  ])('hides no other: %s', async (_what, text, message) => {
    await context('create good --docker host=tcp://g:1')
    write('odd', text)
    const { code, stdout } = await context('ls --format {{.Name}}|{{.Error}}')
    expect(code).toBe(0)
    expect(stdout).toMatch(message)
    expect(stdout).toContain('good|\n')
    expect((await context('rm -f odd')).code).toBe(0)
    expect((await context('ls -q')).stdout).toBe('default\ngood\n')
  })

  it('cannot move the cursor', async () => {
    const name = 'a\u001b[2Jb'
    write(
      name,
      JSON.stringify({
        Name: name,
        Metadata: { Description: 'x\u001b[1A\ry' },
        Endpoints: { docker: { Host: 'h\n' } },
      }),
    )
    const { stdout } = await context('ls')
    expect(stdout).toContain('a^[[2Jb')
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u)
  })

  it('is told where its file is no file', async () => {
    mkdirSync(places('odd').meta, { recursive: true })
    symlinkSync('/dev/zero', places('odd').metaFile)
    expect((await context('inspect odd')).stderr).toMatch(/it is not a file/)
  })
})

it('goes from hand to hand with its keys, and takes no file’s place', async () => {
  await context(CERTIFIED)
  expect(await context('export lab')).toMatchObject({ code: 0, stderr: 'Written file "lab.dockercontext"\n' })
  expect(statSync(join(folder, 'lab.dockercontext')).mode & 0o777).toBe(0o600)
  expect(await context('export lab')).toMatchObject({ code: 1, stderr: expect.stringContaining('file exists') })
  expect(await context('import other lab.dockercontext')).toMatchObject({ code: 0, stdout: 'other\n' })
  expect(await context('import other lab.dockercontext')).toMatchObject({
    code: 1,
    stderr: 'context "other" already exists\n',
  })
  expect(readFileSync(join(places('other').tls, 'docker', 'key.pem'), 'utf8')).toBe('KEY')
})
