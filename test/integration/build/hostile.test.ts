import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entry, isRoot, tar } from '../images/support.ts'
import { BuildLab, binary, type Files } from './support.ts'

const link = (name: string, linkName: string): Buffer => entry(name, { type: 'symlink', linkName })
const hardLink = (name: string, linkName: string): Buffer => entry(name, { type: 'hardlink', linkName })

describe.skipIf(!isRoot)('contexts and images that mean harm', () => {
  let lab: BuildLab
  /** A directory of the host that nothing may read or write. */
  let outside: string
  beforeEach(async () => {
    lab = new BuildLab()
    await lab.open('a')
    outside = mkdtempSync(join(tmpdir(), 'shoal-outside-'))
    writeFileSync(join(outside, 'secret'), 'secret')
  })
  afterEach(async () => {
    rmSync(outside, { recursive: true })
    await lab[Symbol.asyncDispose]()
  })

  const build = (lines: readonly string[], files: Files = {}): Promise<string> =>
    lab.build({ Dockerfile: ['FROM base', ...lines].join('\n'), ...files })
  const untouched = (): void => expect(readdirSync(outside)).toEqual(['secret'])

  it.each<[string, (outside: string) => Files]>([
    ['.. in a name', () => ({ x: entry('../../x') })],
    ['a hard link to the host', path => ({ x: hardLink('x', join(path, 'secret')) })],
    ['a hard link upwards', () => ({ x: hardLink('x', '../../../../../etc/passwd') })],
    ['a hard link to the root', () => ({ x: hardLink('x', '/') })],
    ['a file below a file', () => ({ a: 'x', b: entry('a/b') })],
    ['a name that is not UTF-8', () => ({ x: Buffer.concat([binary('\u00ff', Buffer.of())]).fill(0xff, 0, 1) })],
  ])('a context with %s is refused', async (_name, files) => {
    await expect(build(['COPY . /'], files(outside))).rejects.toMatchObject({ status: 400 })
    untouched()
  })

  it('takes absolute names and links of a context for names inside it', async () => {
    const files = {
      abs: entry(join(outside, 'made')),
      up: link('up', '../../../../../../..'),
      through: entry(`up${outside}/through`, { content: 'x' }),
      out: link('out', outside),
      below: entry('out/below', { content: 'x' }),
    }
    const root = await lab.rootOf(await build(['COPY . /all/'], files))
    untouched()
    expect(existsSync(join(root, 'all', outside, 'made'))).toBe(true)
    await expect(build([`COPY out/secret /x`], files)).rejects.toThrow('stat out/secret: file does not exist')
    await expect(build([`COPY up/etc/hostname /x`], files)).rejects.toThrow('file does not exist')
  })

  it('copies links as links, and follows none out of the context', async () => {
    const files = { 'd/secret': link('d/secret', join(outside, 'secret')), loop: link('loop', 'loop') }
    const root = await lab.rootOf(await build(['COPY d /d/'], files))
    expect(readlinkSync(join(root, 'd/secret'))).toBe(join(outside, 'secret'))
    await expect(build(['COPY d/secret /x'], files)).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE' })
    await expect(build(['COPY loop /x'], files)).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE' })
    await expect(build(['COPY d/s* /x/'], files)).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE' })
  })

  it.each<[string, Buffer]>([
    ['a link out of the context', link('Dockerfile', '/etc/passwd')],
    ['a pipe that nobody writes to', entry('Dockerfile', { type: 'fifo' })],
    ['a directory', entry('Dockerfile/', { type: 'directory' })],
  ])('a Dockerfile that is %s is none', async (_name, Dockerfile) => {
    await expect(lab.build({ Dockerfile })).rejects.toThrow('Cannot locate specified Dockerfile: Dockerfile')
  })

  it('reads no Dockerfile and no .dockerignore from outside', async () => {
    const files = { Dockerfile: 'FROM base\nCOPY . /c/\n', '.dockerignore': link('.dockerignore', '/etc/passwd') }
    await expect(lab.build(files, { dockerfile: '../../../etc/passwd' })).rejects.toMatchObject({
      code: 'NO_DOCKERFILE',
    })
    expect(readdirSync(join(await lab.rootOf(await lab.build(files)), 'c'))).toEqual(['.dockerignore', 'Dockerfile'])
  })

  it('copies pipes without waiting for them', async () => {
    const root = await lab.rootOf(await build(['COPY . /c/'], { pipe: entry('pipe', { type: 'fifo', mode: 0o600 }) }))
    expect(lstatSync(join(root, 'c/pipe')).isFIFO()).toBe(true)
  })

  it('stays inside the image whatever its links say', async () => {
    const root = await lab.rootOf(
      await build(
        [
          `RUN rm -rf /usr/bin/date && echo > /marker`,
          'COPY links/ /',
          'COPY f /abs/made',
          'COPY f /up/made2',
          'WORKDIR /abs/workdir',
          'WORKDIR /up/workdir2',
          'COPY f here',
          'ADD a.tar /abs/',
        ],
        {
          f: 'text',
          'links/abs': link('links/abs', outside),
          'links/up': link('links/up', '../../../../../../../../..'),
          'a.tar': binary('a.tar', tar(entry('unpacked', { content: 'y' }))),
        },
      ),
    )
    untouched()
    expect(readFileSync(join(root, outside, 'made'), 'utf8')).toBe('text')
    expect(readdirSync(join(root, outside)).sort()).toEqual(['made', 'unpacked', 'workdir'])
    expect(readdirSync(root)).toEqual(expect.arrayContaining(['made2', 'workdir2']))
    expect(readFileSync(join(root, 'workdir2/here'), 'utf8')).toBe('text')
  })

  it('takes account files that lead out of the image for empty ones', async () => {
    const files = { 'etc/passwd': link('etc/passwd', join(outside, 'secret')), f: 'x' }
    await expect(build(['COPY etc/ /etc/', 'COPY --chown=root f /f'], files)).rejects.toThrow(
      "can't find uid for user root",
    )
    await expect(build(['COPY --chown=4294967295 f /f'], files)).rejects.toThrow('4294967295 is out of range')
    await expect(build(['COPY --chown=:0 f /f'], files)).rejects.toThrow('invalid chown string format')
  })

  it.each<[string, readonly Buffer[]]>([
    ['leaves its root', [entry('../x')]],
    ['writes through its own link', [link('d', '/etc'), link('d2', '..'), hardLink('h', '../../etc/passwd')]],
    ['has a deletion as a device', [entry('whiteout', { type: 'char', device: { major: 0, minor: 0 } })]],
    ['has a name that would delete another', [entry('.wh.etc', { content: '' })]],
    ['is opaque by name', [entry('etc/.wh..wh..opq', { content: '' })]],
  ])('an added archive that %s is refused', async (_name, entries) => {
    await expect(build(['ADD a.tar /'], { 'a.tar': binary('a.tar', tar(...entries)) })).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENTRY_LEAVES_ROOT|BAD_ENTRY|WHITEOUT_NAME|UNPACK_FAILED)$/) as string,
    })
    expect(await lab.store.roots.list()).toEqual([])
    untouched()
  })

  it('keeps what an added archive says of devices inside the image, where no container may use them', async () => {
    const device = entry('null', { type: 'char', mode: 0o666, device: { major: 1, minor: 3 } })
    const root = await lab.rootOf(await build(['ADD a.tar /dev2/'], { 'a.tar': binary('a.tar', tar(device)) }))
    expect(lstatSync(join(root, 'dev2/null')).isCharacterDevice()).toBe(true)
  })

  it('refuses a file whose name would delete another', async () => {
    await expect(build(['COPY . /c/'], { '.wh.etc': 'x' })).rejects.toThrow('Cannot keep c/.wh.etc')
  })

  it('runs no shell of the host, whatever is written in the file', async () => {
    const evil = `$(touch ${outside}/evil)\`touch ${outside}/evil\`;touch ${outside}/evil`
    await build([`LABEL a="${evil.replaceAll('$', '\\$')}"`, `ENV B='${evil}'`, `WORKDIR '/${evil}'`, `USER '${evil}'`])
    untouched()
  })
})
