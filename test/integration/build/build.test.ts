import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLog } from '../../../src/core/log.ts'
import { newHexId, systemRandom } from '../../../src/core/random.ts'
import type { BuildOptions, ContainerCreateRequest, LogChunk } from '../../../src/docker-api/index.ts'
import { type Builder, type BuilderPorts, createBuilder } from '../../../src/runtime/build/index.ts'
import type { ImageStore } from '../../../src/runtime/images/index.ts'
import { entry, isRoot, soon, streamOf, tar, Workshop } from '../images/support.ts'

interface Made {
  readonly request: ContainerCreateRequest
  readonly ended: PromiseWithResolvers<{ readonly code: number; readonly output: Buffer }>
}

/** Runs commands in the root of an image by chroot: all that RUN needs of an engine. */
class ChrootContainers {
  readonly commands: string[] = []
  readonly #store: ImageStore
  readonly #made = new Map<string, Made>()

  constructor(store: ImageStore) {
    this.#store = store
  }

  operations(): ReturnType<BuilderPorts['containers']> {
    return {
      create: request => {
        const id = newHexId(systemRandom)
        this.#made.set(id, { request, ended: Promise.withResolvers() })
        return Promise.resolve({ Id: id, Warnings: [] })
      },
      list: () => Promise.resolve([]),
      start: async id => {
        const { request, ended } = this.#get(id)
        const { config } = await this.#store.roots.resolve(request.Image ?? '')
        const root = await this.#store.roots.mount(id, request.Image ?? '')
        const Env = [...(config.Env ?? []), ...(request.Env ?? [])]
        const env = Object.fromEntries(Env.map(it => [it.slice(0, it.indexOf('=')), it.slice(it.indexOf('=') + 1)]))
        const command = request.Cmd ?? []
        this.commands.push(command.join(' '))
        execFile('/usr/sbin/chroot', [root, ...command], { env, encoding: 'buffer' }, (error, stdout, stderr) =>
          ended.resolve({ code: error === null ? 0 : Number(error.code), output: Buffer.concat([stdout, stderr]) }),
        )
        return true
      },
      logs: id => this.#logs(id),
      wait: async id => ({ StatusCode: (await this.#get(id).ended.promise).code }),
      kill: () => Promise.resolve(),
      remove: id => this.#store.roots.remove(id),
    }
  }

  async *#logs(id: string): AsyncGenerator<LogChunk> {
    const { output } = await this.#get(id).ended.promise
    yield { stream: 'stdout', data: output, time: '' }
  }

  #get(id: string): Made {
    const made = this.#made.get(id)
    if (made === undefined) throw new Error(`no container ${id}`)
    return made
  }
}

const OPTIONS: BuildOptions = {
  tags: ['app:1'],
  dockerfile: 'Dockerfile',
  buildArgs: {},
  labels: {},
  noCache: false,
  pull: false,
}

describe.skipIf(!isRoot)('building images', () => {
  let workshop: Workshop
  let store: ImageStore
  let containers: ChrootContainers
  let build: (files: Readonly<Record<string, string | Buffer>>, change?: Partial<BuildOptions>) => Promise<string>
  let output: string
  let builder: Builder

  beforeEach(async () => {
    workshop = new Workshop()
    store = await workshop.store('a')
    containers = new ChrootContainers(store)
    const base = workshop.path('base')
    mkdirSync(join(base, 'usr/bin'), { recursive: true })
    mkdirSync(join(base, 'etc'))
    cpSync('/bin/busybox', join(base, 'usr/bin/busybox'))
    for (const name of ['sh', 'cat', 'echo', 'rm', 'mkdir', 'ls', 'test'])
      symlinkSync('busybox', join(base, 'usr/bin', name))
    symlinkSync('usr/bin', join(base, 'bin'))
    await store.importRoot(base, { config: { Cmd: ['sh'], Env: ['PATH=/usr/bin'] }, tags: ['base'] })
    const ports = { clock: systemClock, random: systemRandom, log: silentLog }
    builder = createBuilder({
      ...ports,
      dataRoot: workshop.path('a'),
      store,
      containers: () => containers.operations(),
    })
    build = (files, change = {}) => {
      output = ''
      const context = tar(
        ...Object.entries(files).map(([name, content]) =>
          Buffer.isBuffer(content)
            ? Buffer.concat([content])
            : entry(name, { content, mode: 0o644, uid: 1000, gid: 1000 }),
        ),
      )
      return builder.build(
        streamOf(context),
        { ...OPTIONS, ...change },
        message => (output += message.stream ?? ''),
        soon(),
      )
    }
  })
  afterEach(() => workshop[Symbol.asyncDispose]())

  const rootOf = (id: string): Promise<string> => store.roots.mount(`look-${id.slice(7, 19)}`, id)

  it('runs the instructions of a real file, and shows them as docker does', async () => {
    const id = await build(
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
    const root = await rootOf(id)
    expect(readFileSync(join(root, 'greeting'), 'utf8')).toBe('hello there, you\n')
    expect(readdirSync(join(root, 'srv/app'), { recursive: true, encoding: 'utf8' }).sort()).toEqual([
      'src',
      'src/main.txt',
    ])
    expect(statSync(join(root, 'srv/app/src/main.txt')).uid).toBe(0)
    expect(readdirSync(join(root, 'usr/bin'))).not.toContain('ls')
    const { Config, RepoTags } = await store.images.inspect('app:1')
    expect(RepoTags).toEqual(['app:1'])
    expect(Config).toMatchObject({
      Cmd: ['cat', '/greeting'],
      Env: ['PATH=/usr/bin', 'GREETING=hello there'],
      ExposedPorts: { '80/tcp': {} },
      Labels: { a: 'b', built: 'here' },
      WorkingDir: '/srv/app',
    })
    expect(output).toContain('Step 1/9 : FROM base\n ---> ')
    expect(output).toMatch(/Step 4\/9 : RUN echo .*\n ---> Running in [0-9a-f]{12}\nRemoving intermediate container/)
    expect(output).toContain('[Warning] One or more build-args [UNUSED] were not consumed\n')
    expect(output).toContain(`Successfully built ${id.slice(7, 19)}\nSuccessfully tagged app:1\n`)
    // Steps on the way are images of nobody.
    expect((await store.images.list({})).map(image => image.RepoTags)).toEqual([['app:1'], ['base:latest']])
  })

  it('takes what did not change from the cache, and gives the same image again', async () => {
    const Dockerfile = 'FROM base\nRUN echo one > /one\nCOPY file /file\nRUN echo two > /two\n'
    const first = await build({ Dockerfile, file: 'same' })
    expect(await build({ Dockerfile, file: 'same' })).toBe(first)
    expect(output.match(/---> Using cache/g)).toHaveLength(3)
    expect(containers.commands).toHaveLength(2)
    await build({ Dockerfile, file: 'other' })
    expect(containers.commands.slice(2)).toEqual(['/bin/sh -c echo two > /two'])
    await build({ Dockerfile, file: 'same' }, { noCache: true })
    expect(containers.commands).toHaveLength(5)
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
    const root = await rootOf(await build({ Dockerfile }, { target: 'final' }))
    expect(readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()).toEqual(['box', 'result', 'result/made'])
    expect(readdirSync(await rootOf(await build({ Dockerfile })))).toContain('extra')
  })

  it('puts files where docker would', async () => {
    const root = await rootOf(
      await build({
        Dockerfile: [
          'FROM base',
          'COPY a.txt /one',
          'COPY a.txt /dir/',
          'COPY a.txt b.txt /many/',
          'COPY *.txt /all/',
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
    const root = await rootOf(await build({ Dockerfile: lines.join('\n') }))
    expect(readFileSync(join(root, 'arch'), 'utf8')).toBe(process.arch === 'x64' ? 'amd64\n' : `${process.arch}\n`)
    await expect(build({ Dockerfile: 'FROM --platform=linux/s390x base' })).rejects.toThrow(
      'The platform linux/s390x cannot be built here',
    )
  })

  it('runs here-documents', async () => {
    const id = await build({
      Dockerfile: 'FROM base\nRUN <<EOF\necho one > /a\necho two >> /a\nEOF\nRUN cat <<X > /b\nthree\nX\n',
    })
    const root = await rootOf(id)
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
    await expect(build({ Dockerfile })).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    expect((await store.images.list({})).map(image => image.RepoTags)).toEqual([['base:latest']])
    expect(await store.roots.list()).toEqual([])
    expect(readdirSync(workshop.path('a/build/contexts'))).toEqual([])
  })

  it('refuses a context without the Dockerfile', async () => {
    await expect(build({ other: 'x' })).rejects.toMatchObject({ code: 'NO_DOCKERFILE', status: 400 })
  })

  it('does not follow links of the context out of it', async () => {
    const files = {
      Dockerfile: 'FROM base\nCOPY link /x',
      link: entry('link', { type: 'symlink', linkName: '/etc/hostname' }),
    }
    await expect(build(files)).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE' })
  })
})
