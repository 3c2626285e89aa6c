import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spawnChild } from '../../../src/runtime/linux/process/spawn-child.ts'

describe('a child started without copying this process', () => {
  let cwd = ''
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), 'shoal-child-')))
  })
  afterEach(() => rmSync(cwd, { recursive: true, force: true }))

  /** Runs a script that may read descriptor 4 and write to 2 and 3. */
  async function run(script: string, args: readonly string[] = [], input = '') {
    const child = spawnChild('/bin/sh', ['-c', script, 'sh', ...args], {
      cwd,
      env: { PATH: '/usr/bin:/bin', GREETING: 'good day' },
      pipes: ['from', 'from', 'to'],
    })
    const [stderr, said, told] = child.pipes
    if (stderr === undefined || said === undefined || told === undefined) throw new Error('a pipe is missing')
    told.end(input)
    return { child, texts: await Promise.all([text(stderr), text(said)]) }
  }

  it('has its arguments, environment, folder and pipes', async () => {
    const script = 'read -r line <&4; echo "$line, $1" >&3; pwd >&2; env | grep -c = >&3; echo "$GREETING" >&3'
    const { texts } = await run(script, ['with "quotes" and ü'], 'hello\n')
    expect(texts).toEqual([`${cwd}\n`, expect.stringMatching(/^hello, with "quotes" and ü\n\d\ngood day\n$/)])
  })

  it('has no other descriptors, and nothing to read or write on the first two', async () => {
    const { texts } = await run('cat; echo lost; ls -l /proc/self/fd >&3')
    const open = texts[1].split('\n').flatMap(line => / (\d+) -> (\S+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
    expect(open[0]).toBe('0 /dev/null')
    // What this process itself was given goes on to everybody; one more is what lists the folder.
    const inherited = spawnSync('ls', ['/proc/self/fd']).stdout.toString().trim().split('\n')
    const others = open.map(line => Number(line.split(' ')[0])).filter(number => number > 4)
    expect(others.filter(number => number === 5 || !inherited.includes(String(number)))).toEqual([5])
  })

  it('takes signals as by default, whatever this process does', async () => {
    const { texts } = await run('grep -E "Sig(Blk|Ign)" /proc/self/status >&3')
    expect([...texts[1].matchAll(/\t([0-9a-f]+)/g)].map(match => Number.parseInt(match[1] ?? 'x', 16))).toEqual([0, 0])
  })

  it('is a zombie until it is asked about, and its number is nobody’s to kill afterwards', async () => {
    const { child, texts } = await run('echo $$ >&3; exec sleep 1000 2> /dev/null 3> /dev/null')
    const pid = Number(texts[1])
    expect(child.reap()).toBe(false)
    child.kill()
    while (!readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z')) await new Promise(setImmediate)
    expect([child.reap(), child.reap()]).toEqual([true, true])
    expect(() => readFileSync(`/proc/${pid}/stat`)).toThrow('ENOENT')
    expect(() => child.kill()).not.toThrow()
  })

  it.each([
    ['/bin/missing-program', '/'],
    ['/bin/sh', '/missing/folder'],
  ])('is refused if there is no %s in %s, and leaves no descriptor', (program, folder) => {
    const start = () => spawnChild(program, [], { cwd: folder, env: {}, pipes: ['from', 'to'] })
    expect(start).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})
