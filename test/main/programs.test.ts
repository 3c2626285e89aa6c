import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { CommandDefinition } from '../../src/cli/index.ts'
import { FAMILIES, umbrella } from '../../src/main/programs.ts'
import { run } from './run-family.ts'

function paths(group: CommandDefinition, above: readonly string[] = []): string[][] {
  if (!('commands' in group)) return [[...above]]
  return [[...above], ...group.commands.flatMap(child => paths(child, [...above, child.name]))]
}

describe('every command', () => {
  it.each(paths(umbrella).map(path => [path.join(' '), path]))(
    'shoal %s --help explains itself',
    async (_name, path) => {
      const { code, stdout, stderr } = await run(umbrella, [...path, '--help'])
      expect(stderr).toBe('')
      expect(stdout).toContain('Usage: shoal')
      expect(code).toBe(0)
    },
  )
})

describe('the families', () => {
  it.each(Object.entries(FAMILIES))('%s knows its version', async (name, root) => {
    expect(await run(root, ['--version'])).toEqual({ code: 0, stdout: `${name} version 1.2.3\n`, stderr: '' })
  })

  it('swarm create makes a name, or a cluster in one store', async () => {
    const root = FAMILIES['swarm'] ?? umbrella
    const made = await run(root, ['create'])
    expect(made.stdout).toMatch(/^[0-9a-f]{32}\n$/)
    // As they stand they serve others, and are not refused for it.
    expect(made.stderr).toMatch(/swarm manage -H tcp:\/\/<ip>:3375 --advertise <ip>:3375 --insecure etcd:/)
    expect(made.stderr).toMatch(/swarm join -H tcp:\/\/<ip>:2375 --advertise <ip>:2375 --insecure etcd:/)
    expect(await run(root, ['create', 'x', 'y'])).toEqual({
      code: 2,
      stdout: '',
      stderr: "the `create` command takes one argument at most. See 'swarm create --help'.\n",
    })
    expect((await run(root, ['create', 'nodes://h:1'])).stderr).toMatch(/^Cannot make a cluster in nodes:\/\//)
    expect(await run(root, ['create', '--dry-run', 'etcd://h/prod'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Would make the cluster prod in etcd://h:2379\n',
    })
  })

  it('swarm list reads lists, and checks its flags', async () => {
    const root = FAMILIES['swarm'] ?? umbrella
    expect(await run(root, ['list', 'nodes://10.0.0.[1:2]:2375,h:1'])).toMatchObject({
      code: 0,
      stdout: '10.0.0.1:2375\n10.0.0.2:2375\nh:1\n',
    })
    expect((await run(root, ['list'])).stderr).toBe("discovery required to list a cluster. See 'swarm list --help'.\n")
    expect((await run(root, ['list', '--timeout', '0s', 'h:1'])).stderr).toBe('--timeout should be a positive number\n')
  })

  it.each([
    ['nowhere', 'Cannot use --host "nowhere": expected tcp://host:port or unix:///path\n'],
    ['tcp://0.0.0.0:3375', expect.stringMatching(/^Refusing to serve tcp:\/\/0\.0\.0\.0:3375 without TLS/)],
  ])('swarm manage says that --host %s was typed wrongly', async (host, stderr) => {
    const root = FAMILIES['swarm'] ?? umbrella
    expect(await run(root, ['manage', '-H', host, 'nodes://127.0.0.1:1'])).toEqual({ code: 2, stdout: '', stderr })
  })

  it.each([
    ['> /dev/full', 1],
    ['| true', 0],
  ])('whose output goes %s end with %i', async (where, code) => {
    const main = fileURLToPath(new URL('../../src/main/cli.ts', import.meta.url))
    const script = `set -o pipefail; "$0" --disable-warning=ExperimentalWarning "$1" shoal --help ${where}`
    const child = spawn('bash', ['-c', script, process.execPath, main], { stdio: 'ignore' })
    expect(await once(child, 'exit')).toEqual([code, null])
  })
})
