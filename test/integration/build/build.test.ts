import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entry, isRoot, tar } from '../images/support.ts'
import { BuildLab, binary } from './support.ts'

describe.skipIf(!isRoot)('building images', () => {
  let lab: BuildLab
  beforeEach(async () => {
    lab = new BuildLab()
    await lab.open('a')
  })
  afterEach(() => lab[Symbol.asyncDispose]())

  it('runs the instructions of a real file, and shows them as docker does', async () => {
    const id = await lab.build(
      {
        Dockerfile: [
          'FROM base',
          'ARG WHO=nobody',
          'ENV GREETING="hello there"',
          'RUN echo "$GREETING, $WHO" > /greeting && rm /usr/bin/ls',
          'WORKDIR /srv/app',
          'COPY . .',
          'EXPOSE 80',
          'LABEL a=b',
          'CMD ["cat", "/greeting"]',
        ].join('\n'),
        'src/main.txt': 'main',
        // Leaving out the rest is for whoever packs the context.
        '.dockerignore': 'Dockerfile\n.dockerignore\n',
      },
      { buildArgs: { WHO: 'you', UNUSED: '1' }, labels: { built: 'here' } },
    )
    const root = await lab.rootOf(id)
    expect(readFileSync(join(root, 'greeting'), 'utf8')).toBe('hello there, you\n')
    expect(readdirSync(join(root, 'srv/app'), { recursive: true, encoding: 'utf8' }).sort()).toEqual([
      'src',
      'src/main.txt',
    ])
    expect(statSync(join(root, 'srv/app/src/main.txt')).uid).toBe(0)
    expect(readdirSync(join(root, 'usr/bin'))).not.toContain('ls')
    const { Config, RepoTags } = await lab.store.images.inspect('app:1')
    expect(RepoTags).toEqual(['app:1'])
    expect(Config).toMatchObject({
      Cmd: ['cat', '/greeting'],
      Env: ['PATH=/usr/bin', 'GREETING=hello there'],
      ExposedPorts: { '80/tcp': {} },
      Labels: { a: 'b', built: 'here' },
      WorkingDir: '/srv/app',
    })
    expect(lab.output).toContain('Step 1/10 : FROM base\n ---> ')
    expect(lab.output).toMatch(
      /Step 4\/10 : RUN echo .*\n ---> Running in [0-9a-f]{12}\nRemoving intermediate container/,
    )
    expect(lab.output).toContain('[Warning] One or more build-args [UNUSED] were not consumed\n')
    expect(lab.output).toContain(`Successfully built ${id.slice(7, 19)}\nSuccessfully tagged app:1\n`)
    // Steps on the way are images of nobody.
    expect((await lab.store.images.list({})).map(image => image.RepoTags)).toEqual([['app:1'], ['base:latest']])
  })

  it('takes what did not change from the cache, and gives the same image again', async () => {
    const Dockerfile = 'FROM base\nRUN echo one > /one\nCOPY file /file\nRUN echo two > /two\n'
    const first = await lab.build({ Dockerfile, file: 'same' })
    expect(await lab.build({ Dockerfile, file: 'same' })).toBe(first)
    expect(lab.output.match(/---> Using cache/g)).toHaveLength(3)
    expect(lab.containers.commands).toHaveLength(2)
    await lab.build({ Dockerfile, file: 'other' })
    expect(lab.containers.commands.slice(2)).toEqual(['/bin/sh -c echo two > /two'])
    await lab.build({ Dockerfile, file: 'same' }, { noCache: true })
    expect(lab.containers.commands).toHaveLength(5)
  })

  it('copies from earlier stages and other images, and stops at the target', async () => {
    const Dockerfile = [
      'ARG FROM=base',
      'FROM $FROM AS builder',
      'RUN mkdir /out && echo made > /out/made',
      'FROM scratch AS final',
      'COPY --from=builder /out/ /result/',
      'COPY --from=base /usr/bin/busybox /box',
      'FROM final',
      'COPY Dockerfile /extra',
    ].join('\n')
    const root = await lab.rootOf(await lab.build({ Dockerfile }, { target: 'final' }))
    expect(readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()).toEqual(['box', 'result', 'result/made'])
    expect(readdirSync(await lab.rootOf(await lab.build({ Dockerfile })))).toContain('extra')
  })

  it('puts files where docker would', async () => {
    const root = await lab.rootOf(
      await lab.build({
        Dockerfile: [
          'FROM base',
          'COPY a.txt /one',
          'COPY a.txt /dir/',
          'COPY a.txt b.txt /many/',
          'COPY *.txt nothing* /all/',
          'COPY sub /content',
          'COPY --chown=7:8 --chmod=0600 a.txt /owned/',
          'COPY a.txt /bin/',
          'COPY sub /bin',
          'COPY ["with space", "/with space"]',
          'ADD archive.tar /unpacked/',
          'COPY archive.tar /kept/',
          'COPY <<EOF /here',
          'it is $PATH',
          'EOF',
        ].join('\n'),
        'a.txt': 'a',
        'b.txt': 'b',
        'sub/deep/c': 'c',
        'with space': 'x',
        'archive.tar': tar(entry('inside', { content: 'y' })).toString('latin1'),
      }),
    )
    const read = (path: string): string => readFileSync(join(root, path), 'utf8')
    expect([read('one'), read('dir/a.txt'), read('many/b.txt'), read('content/deep/c'), read('with space')]).toEqual([
      'a',
      'a',
      'b',
      'c',
      'x',
    ])
    expect(readdirSync(join(root, 'all')).sort()).toEqual(['a.txt', 'b.txt'])
    const owned = statSync(join(root, 'owned/a.txt'))
    expect([owned.uid, owned.gid, owned.mode & 0o777]).toEqual([7, 8, 0o600])
    // The image's own link stays, and is filled.
    expect(readlinkSync(join(root, 'bin'))).toBe('usr/bin')
    expect(readdirSync(join(root, 'usr/bin'))).toEqual(expect.arrayContaining(['a.txt', 'deep']))
    expect([read('unpacked/inside'), readdirSync(join(root, 'kept')), read('here')]).toEqual([
      'y',
      ['archive.tar'],
      'it is /usr/bin\n',
    ])
  })

  it('knows the platform it builds for', async () => {
    const lines = ['FROM --platform=$BUILDPLATFORM base', 'ARG TARGETARCH', 'RUN echo $TARGETARCH > /arch']
    const root = await lab.rootOf(await lab.build({ Dockerfile: lines.join('\n') }))
    expect(readFileSync(join(root, 'arch'), 'utf8')).toBe(process.arch === 'x64' ? 'amd64\n' : `${process.arch}\n`)
    await expect(lab.build({ Dockerfile: 'FROM --platform=linux/s390x base' })).rejects.toThrow(
      'The platform linux/s390x cannot be built here',
    )
  })

  it('runs here-documents', async () => {
    const id = await lab.build({
      Dockerfile: 'FROM base\nRUN <<EOF\necho one > /a\necho two >> /a\nEOF\nRUN cat <<X > /b\nthree\nX\n',
    })
    const root = await lab.rootOf(id)
    expect([readFileSync(join(root, 'a'), 'utf8'), readFileSync(join(root, 'b'), 'utf8')]).toEqual([
      'one\ntwo\n',
      'three\n',
    ])
  })

  it.each([
    ['RUN exit 3', 'RUN_FAILED', "The command '/bin/sh -c exit 3' returned a non-zero code: 3"],
    [
      'COPY missing /x',
      'NO_SUCH_SOURCE',
      'COPY failed: file not found in build context or excluded by .dockerignore: stat missing: file does not exist',
    ],
    ['ADD --checksum=sha256:00 f /x', 'BAD_CHECKSUM', 'invalid checksum sha256:00'],
    [
      `ADD --checksum=sha256:${'0'.repeat(64)} f /x`,
      'BAD_CHECKSUM',
      "checksum can't be specified for non-HTTP(S) sources",
    ],
    ['COPY missing* /x', 'NO_SUCH_SOURCE', 'COPY failed: no source files were specified'],
    ['COPY ../x /x', 'NO_SUCH_SOURCE', 'COPY failed: forbidden path outside the build context: ../x ()'],
    ['\nCOPPY a b', 'DOCKERFILE', 'dockerfile parse error line 3: unknown instruction: COPPY'],
    ['FROM 127.0.0.1:1/none', 'REGISTRY_UNREACHABLE', 'Cannot reach the registry 127.0.0.1:1'],
    [
      'COPY --chown=ghost Dockerfile /x',
      'NO_SUCH_OWNER',
      "unable to convert uid/gid chown string to host mapping: can't find uid for user ghost: no such user: ghost",
    ],
    ['ADD http://127.0.0.1:1/y /z', 'DOWNLOAD_FAILED', 'ADD failed: Get "http://127.0.0.1:1/y": connect ECONNREFUSED'],
    ['ADD https://h/x.git /z', 'NO_GIT', 'ADD failed: git repositories are not fetched'],
    ['COPY http://h/x /z', 'NO_SUCH_SOURCE', "COPY failed: source can't be a URL for COPY"],
    [
      'COPY Dockerfile Dockerfile /c',
      'COPY_TARGET',
      'When using COPY with more than one source file, the destination must be a directory and end with a /',
    ],
    ['COPY --chmod=999 Dockerfile /c', 'BAD_MODE', "invalid chmod parameter: '999'"],
    ['RUN --mount=type=ssh true', 'NO_SSH_MOUNT', '--mount=type=ssh is not done here'],
    ['RUN --mount=type=cache true', 'BAD_MOUNT', 'invalid --mount: target required'],
    ['RUN --mount=type=bind,target=/x,rw true', 'NO_WRITABLE_BIND', 'is not done here'],
    ['RUN --mount=type=tmpfs,target=/x,id=y true', 'BAD_MOUNT', "unexpected key 'id' for mount type 'tmpfs'"],
    ['RUN --security=insecure true', 'NO_INSECURE_RUN', 'RUN --security=insecure is not done here'],
    ['RUN --network=host true', 'NETWORK_REFUSED', 'RUN --network=host is refused'],
    ['COPY --from=0 /a /b', 'BAD_FROM', 'invalid from flag value 0: refers to current build stage'],
    ['ENV A=${B', 'BAD_SUBSTITUTION', 'failed to process "${B"'],
    ['RUN echo > /f\nWORKDIR /f/x', 'NOT_A_DIRECTORY', 'Cannot mkdir: /f/x is not a directory'],
    ['RUN echo > /f\nCOPY . /f', 'NOT_A_DIRECTORY', 'failed to copy files: /f: not a directory'],
  ])('%j fails with one clear error and leaves nothing', async (lines, code, message) => {
    const Dockerfile = `FROM base\n${lines}`
    await expect(lab.build({ Dockerfile })).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    // As with Docker the steps before the failure are images.
    const named = (await lab.store.images.list({})).flatMap(image => image.RepoTags)
    expect(named).toEqual(['base:latest'])
    expect(await lab.store.roots.list()).toEqual([])
    expect(readdirSync(lab.path('a/build/contexts'))).toEqual([])
  })

  it('keeps every step as an image, which goes with the last one that was made from it', async () => {
    const { images } = lab.store
    const lines = ['FROM base', 'ENV A=1', 'RUN echo b > /b', 'LABEL x=y']
    const id = await lab.build({ Dockerfile: lines.join('\n') }, { tags: ['app:1'] })
    const base = await images.inspect('base')
    const steps = (await images.list({ all: true })).filter(({ RepoTags }) => RepoTags.length === 0)
    expect((await images.list({})).flatMap(({ RepoTags }) => RepoTags).sort()).toEqual(['app:1', 'base:latest'])
    expect(steps).toHaveLength(2)
    const [last, run, env] = await images.history(id)
    expect([last?.Id, last?.Tags]).toEqual([id, ['app:1']])
    expect([run?.Id ?? '', env?.Id ?? ''].sort()).toEqual(steps.map(({ Id }) => Id).sort())
    expect((await images.inspect(env?.Id ?? '')).Parent).toBe(base.Id)
    expect(readFileSync(join(await lab.rootOf(run?.Id ?? ''), 'b'), 'utf8')).toBe('b\n')
    await expect(images.remove(run?.Id ?? '', { force: true })).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('(cannot be forced) - image has dependent child images'),
    })
    // Nothing is made a second time.
    expect(await lab.build({ Dockerfile: lines.join('\n') })).toBe(id)
    await images.tag(env?.Id ?? '', 'step:1')
    const removed = await images.remove('app:1', {})
    expect(removed.flatMap(({ Deleted }) => Deleted ?? []).slice(0, 2)).toEqual([id, run?.Id])
    expect((await images.list({ all: true })).flatMap(({ RepoTags }) => RepoTags).sort()).toEqual([
      'base:latest',
      'step:1',
    ])
    await images.remove('step:1', { noprune: true })
  })

  it('leaves the steps before a failure as one image that nobody needs', async () => {
    const { images } = lab.store
    await expect(lab.build({ Dockerfile: 'FROM base\nENV A=1\nENV B=2\nRUN exit 3' })).rejects.toThrow('code: 3')
    const dangling = await images.list({ filters: { dangling: ['true'] } })
    expect(dangling.map(({ Id }) => Id)).toHaveLength(1)
    expect((await images.inspect(dangling[0]?.Id ?? '')).Config.Env).toContain('B=2')
    const { ImagesDeleted } = await images.prune({})
    expect(ImagesDeleted?.filter(({ Deleted }) => Deleted !== undefined)).toHaveLength(2)
    expect(await images.list({ all: true })).toHaveLength(1)
  })

  it('refuses a context without the Dockerfile', async () => {
    await expect(lab.build({ other: 'x' })).rejects.toMatchObject({ code: 'NO_DOCKERFILE', status: 400 })
  })

  it('does not follow links of the context out of it', async () => {
    const files = {
      Dockerfile: 'FROM base\nCOPY link /x',
      link: entry('link', { type: 'symlink', linkName: '/etc/hostname' }),
    }
    await expect(lab.build(files)).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE' })
  })

  it('unpacks archives of every kind that it adds, and only those', async () => {
    const archive = tar(entry('inside/x', { content: 'x', uid: 5, gid: 6, mtimeSeconds: 1_000 }))
    const pack = (program: string): Buffer => execFileSync(program, ['-c'], { input: archive })
    const packed: Readonly<Record<string, Buffer>> = {
      'a.tar': archive,
      'a.tgz': pack('gzip'),
      'a.bz2': pack('bzip2'),
      'a.xz': pack('xz'),
      'a.zst': pack('zstd'),
    }
    const files = Object.entries({ ...packed, 'text.gz': gzipSync('plain') })
    const names = Object.keys(packed)
    const lines = [
      'FROM base',
      ...names.map(name => `ADD ${name} /${name}.d`),
      'ADD text.gz /p/',
      'COPY a.tar /kept/',
      'ADD --chown=7 a.tar /owned',
    ]
    const context = {
      Dockerfile: lines.join('\n'),
      ...Object.fromEntries(files.map(([name, bytes]) => [name, binary(name, bytes)])),
    }
    const root = await lab.rootOf(await lab.build(context))
    for (const name of names) {
      const { uid, gid, mtimeMs } = statSync(join(root, `${name}.d/inside/x`))
      expect([name, uid, gid, mtimeMs]).toEqual([name, 5, 6, 1_000_000])
    }
    expect([readdirSync(join(root, 'p')), readdirSync(join(root, 'kept'))]).toEqual([['text.gz'], ['a.tar']])
    expect(statSync(join(root, 'owned/inside/x')).uid).toBe(7)
  })

  it('leaves out, keeps parents, and copies apart from what was there', async () => {
    const root = await lab.rootOf(
      await lab.build({
        Dockerfile: [
          'FROM base',
          'COPY --exclude=*.md --exclude=sub/deep --exclude=!keep.md . /left/',
          'COPY --parents sub/deep/c *.md /parents/',
          'COPY --link --chmod=0700 sub /linked/',
          'COPY --link --chown=app a.md /linked/',
        ].join('\n'),
        'a.md': 'a',
        'keep.md': 'k',
        'sub/deep/c': 'c',
        'sub/d': 'd',
      }),
    )
    const below = (path: string): string[] =>
      readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).sort()
    expect(below('left')).toEqual(['Dockerfile', 'keep.md', 'sub', 'sub/d'])
    expect(below('parents')).toEqual(['a.md', 'keep.md', 'sub', 'sub/deep', 'sub/deep/c'])
    expect(below('linked')).toEqual(['a.md', 'd', 'deep', 'deep/c'])
    expect(statSync(join(root, 'linked/a.md')).gid).toBe(1001)
    expect(statSync(join(root, 'linked/deep/c')).mode & 0o777).toBe(0o700)
  })

  it('runs the triggers of the image it builds on', async () => {
    const Dockerfile = 'FROM base\nONBUILD COPY f /f\nONBUILD RUN cat /f > /g\nONBUILD ENV Q=1\n'
    await lab.build({ Dockerfile }, { tags: ['parent'] })
    const id = await lab.build({ Dockerfile: 'FROM parent\nENV R=$Q\n', f: 'text' })
    expect(lab.output).toContain('Step 1/2 : FROM parent\n# Executing 3 build triggers\n')
    expect(readFileSync(join(await lab.rootOf(id), 'g'), 'utf8')).toBe('text')
    expect((await lab.store.images.inspect(id)).Config).toMatchObject({ Env: ['PATH=/usr/bin', 'Q=1', 'R=1'] })
    expect((await lab.store.describe(id)).config.OnBuild).toBeUndefined()
  })

  it('gives a base that nothing was added to another name, and no image for nothing', async () => {
    const base = (await lab.store.images.inspect('base')).Id
    expect(await lab.build({ Dockerfile: 'FROM base\n' })).toBe(base)
    expect((await lab.store.images.inspect('app:1')).Id).toBe(base)
    await expect(lab.build({ Dockerfile: 'FROM scratch\n' })).rejects.toThrow('No image was generated')
  })

  it('shows the image that each step gives, the last one being the result', async () => {
    const id = await lab.build({ Dockerfile: 'FROM base\nRUN echo > /x\nLABEL a=b\n' })
    const shown = [...lab.output.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map(match => match[1])
    expect(shown).toHaveLength(3)
    expect(shown.at(-1)).toBe(id.slice(7, 19))
    expect(new Set(shown).size).toBe(3)
  })
})
