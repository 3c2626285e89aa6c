import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, machineCli } from '../../support/machine-cli.ts'
import { startSshd, type TestSshd } from '../../support/sshd.ts'

let first: TestSshd
let second: TestSshd
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-machine-'))
  first = await startSshd()
  second = await startSshd()
})

afterAll(async () => {
  await first.stop()
  await second.stop()
  await rm(folder, { recursive: true })
})

/** This machine is to stay as it is: it is reached, and nothing is done to it. */
function machine([verb = '', ...rest]: readonly string[], input = ''): Promise<Ended> {
  const until = verb === 'create' ? ['--until', 'connect'] : []
  return machineCli(join(folder, 'store'))([verb, ...until, ...rest], input)
}

function hostFlags({ port, keyPath }: TestSshd): string[] {
  return ['--host', `root@127.0.0.1:${port}`, '--generic-ssh-key', keyPath]
}

describe('machines behind a real sshd', () => {
  it('are refused while nothing is known of their keys, and pinned when trusted', async () => {
    const refused = await machine(['create', ...hostFlags(first), 'n1'])
    expect(refused).toMatchObject({ code: 11, stderr: expect.stringContaining('add --host-key SHA256:') })
    const [fingerprint = ''] = /SHA256:[\w+/]+/.exec(refused.stderr) ?? []
    expect(await machine(['create', '--host-key', fingerprint, 'n1'])).toMatchObject({ code: 0 })
    expect(await machine(['create', ...hostFlags(second), '--accept-new', 'n2'])).toMatchObject({ code: 0 })
    // Another host answers there now.
    expect(await machine(['create', '--generic-ssh-port', String(second.port), 'n1'])).toMatchObject({ code: 11 })
    expect(await machine(['create', '--generic-ssh-port', String(first.port), 'n1'])).toMatchObject({ code: 0 })
  })

  it('say at once, after one login, that a key lets nobody in', async () => {
    const before = second.log()
    const flags = [...hostFlags(second), '--generic-ssh-key', second.strangeKeyPath, '--accept-new']
    expect(await machine(['create', ...flags, 'n3'])).toMatchObject({
      code: 12,
      stderr: expect.stringContaining('authorized_keys'),
    })
    expect(
      second
        .log()
        .slice(before.length)
        .match(/Connection from/g),
    ).toHaveLength(1)
    expect(await machine(['rm', '-y', 'n3'])).toMatchObject({ code: 0 })
  })

  it('run commands with their codes, input and words', async () => {
    expect(await machine(['ssh', 'n1', 'echo', '$((1+1));', 'cat;', 'exit', '7'], 'from here\n')).toMatchObject({
      code: 7,
      stdout: '2\nfrom here\n',
    })
    expect(await machine(['exec', 'n1', 'printf', '%s|', 'a  b', '$HOME'])).toMatchObject({ stdout: 'a  b|$HOME|\n' })
    const { code, stdout } = await machine(['ssh', 'n1,n2', 'echo', 'up;', 'exit', '3'])
    expect([code, stdout.split('\n').toSorted()]).toEqual([3, ['', '[n1] up', '[n2] up']])
    expect(await machine(['ssh', '-t', 'n1', 'tty'])).toMatchObject({ code: expect.any(Number) })
  })

  it('give and take files, and from one to the other', async () => {
    const [a, b, c, d] = ['a file', 'b', 'c', 'd'].map(name => join(folder, name)) as [string, string, string, string]
    writeFileSync(a, 'content')
    expect(await machine(['scp', '-q', a, `n1:${b}`])).toMatchObject({ code: 0, stderr: '' })
    expect(await machine(['scp', '-q', `n1:${b}`, `root@n2:${c}`])).toMatchObject({ code: 0 })
    expect(await machine(['scp', '-q', '-r', `n2:${c}`, `localhost:${d}`])).toMatchObject({ code: 0 })
    expect(readFileSync(d, 'utf8')).toBe('content')
    expect((await machine(['scp', '-q', 'n1:/nosuch', d])).code).not.toBe(0)
  })

  it('stand in the list, with those that are down', async () => {
    expect(await machine(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'n10'])).toMatchObject({ code: 0 })
    const { stdout } = await machine(['ls', '--format', '{{.Name}} {{.DriverName}} {{.State}} {{.DockerVersion}}'])
    expect(stdout).toBe('n1 generic Running Unknown\nn2 generic Running Unknown\nn10 none Running Unknown\n')
  })
})
