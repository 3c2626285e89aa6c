import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BuildOptions } from '../../../src/docker-api/index.ts'
import { Dock, eventually, isRoot, soon } from '../containers/support.ts'
import { contextOf, type Files, OPTIONS } from './support.ts'

const WITHOUT_NETWORK: Partial<BuildOptions> = { hostConfig: { NetworkMode: 'none' } }

describe.skipIf(!isRoot)('builds whose commands run in containers', () => {
  let dock: Dock
  let output: string
  beforeEach(async () => {
    dock = new Dock()
    await dock.addImage()
    await dock.openEngine()
  })
  afterEach(() => dock[Symbol.asyncDispose]())

  const build = (files: Files, change: Partial<BuildOptions> = {}, signal = soon()): Promise<string> => {
    output = ''
    const options = { ...OPTIONS, ...WITHOUT_NETWORK, ...change }
    const show = ({ stream = '' }): void => void (output += stream)
    return dock.engine.images.build(Readable.from([contextOf(files)]), options, show, signal)
  }
  const lines = (...steps: readonly string[]): string => ['FROM box', ...steps].join('\n')
  const layersOf = async (id: string): Promise<readonly string[]> =>
    (await dock.engine.images.inspect(id)).RootFS.Layers
  const containers = () => dock.engine.containers.list({ all: true })
  const contexts = (): readonly string[] => readdirSync(join(dock.options.dataRoot, 'build/contexts'))
  const mountsBelow = (path: string): readonly string[] =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter(line => line.includes(path))

  it('mounts what a command asks for, and leaves no trace of it', async () => {
    const Dockerfile = lines(
      'WORKDIR /work',
      'RUN --mount=type=cache,target=/root/.cache/x,mode=0700 echo $RANDOM >> /root/.cache/x/log; cat /root/.cache/x/log',
      'RUN --mount=type=bind,target=/ctx --mount=type=bind,source=f,target=/one cat /ctx/f /one; touch /ctx/g || echo read-only',
      'RUN --mount=type=bind,from=box,source=/data,target=other cat other/seed',
      'RUN --mount=type=tmpfs,target=/t,size=1m touch /t/x && mount | grep " /t "',
      'RUN --mount=type=secret,id=token --mount=type=secret,id=token,env=TOKEN cat /run/secrets/token; echo " and $TOKEN"',
      'RUN --mount=type=secret,id=nobody ls /run 2>&1 || true',
    )
    const secrets = { token: Buffer.from('s3cret').toString('base64') }
    const id = await build({ Dockerfile, f: 'context\n' }, { secrets })
    expect(output).toContain('context\ncontext\n')
    expect(output).toContain('read-only')
    expect(output).toContain('seed\n')
    expect(output).toContain('tmpfs on /t type tmpfs')
    expect(output).toContain('s3cret and s3cret\n')
    // Of all of them only WORKDIR left something.
    expect(await layersOf(id)).toHaveLength(2)
    expect(JSON.stringify(await dock.engine.images.history(id))).not.toContain('s3cret')
    expect(mountsBelow(dock.directory).filter(line => line.includes('/build/'))).toEqual([])
    await build({ Dockerfile, f: 'context\n' }, { secrets, noCache: true })
    const log = readdirSync(join(dock.options.dataRoot, 'build/mounts'))
    expect(log).toHaveLength(1)
    expect(
      readFileSync(join(dock.options.dataRoot, 'build/mounts', log[0] ?? '', 'log'), 'utf8').split('\n'),
    ).toHaveLength(3)
    expect((await dock.engine.images.pruneBuildCache({})).CachesDeleted).toContain(log[0])
    await expect(build({ Dockerfile: lines('RUN --mount=type=secret,id=x,required true') })).rejects.toThrow(
      'secret x: not found',
    )
  })

  it('runs a step again when what it binds has changed, and not for another secret', async () => {
    const Dockerfile = lines('RUN --mount=type=bind,source=f,target=/f --mount=type=secret,id=s cat /f > /g')
    await build({ Dockerfile, f: '1' }, { secrets: { s: 'YQ==' } })
    await build({ Dockerfile, f: '1' }, { secrets: { s: 'Yg==' } })
    expect(output).toContain('Using cache')
    await build({ Dockerfile, f: '2' })
    expect(output).not.toContain('Using cache')
  })

  it('throws away what commands write into volumes, as Docker does', async () => {
    const Dockerfile = lines(
      'RUN echo 1 > /data/before',
      'VOLUME /data',
      'RUN echo 2 > /data/after; ls /data',
      'RUN ls /data',
      'COPY f /data/',
      'RUN ls /data; true',
    )
    await build({ Dockerfile, f: 'f' })
    const listings = [...output.matchAll(/^(?:after|before|seed|f)$/gm)].map(match => match[0])
    expect(listings).toEqual(['after', 'before', 'seed', 'before', 'seed', 'before', 'f', 'seed'])
    expect(await dock.engine.volumes.list({})).toEqual([])
  })

  it('gives commands the limits, the names and the network of the request', async () => {
    const hostConfig = { NetworkMode: 'host', Ulimits: [{ Name: 'nofile', Soft: 123, Hard: 456 }], ShmSize: 1 << 20 }
    await build({ Dockerfile: lines('RUN ulimit -n; mount | grep /dev/shm; ip link show lo') }, { hostConfig })
    expect(output).toContain('123\n')
    expect(output).toContain('size=1024k')
    const { NetworkMode: _, ...others } = hostConfig
    await build(
      { Dockerfile: lines('RUN --network=none ip link | grep -c UP,LOWER_UP') },
      { hostConfig: { ...others, NetworkMode: 'host' } },
    )
    expect(output).toContain('\n1\n')
  })

  it('leaves the container of a failed step if it is asked to', async () => {
    const Dockerfile = lines('RUN echo kept > /x; exit 7')
    await expect(build({ Dockerfile })).rejects.toMatchObject({ code: 'RUN_FAILED', details: { exitCode: 7 } })
    expect(await containers()).toEqual([])
    await expect(build({ Dockerfile }, { keepContainers: 'failed' })).rejects.toThrow('a non-zero code: 7')
    const [left, ...more] = await containers()
    expect([left?.State, more]).toEqual(['exited', []])
    await build({ Dockerfile: lines('RUN echo hello') }, { keepContainers: 'always' })
    expect(output).not.toContain('Removing intermediate container')
    expect(await containers()).toHaveLength(2)
    // They are nobody's leftovers: another engine on the same root finds them.
    await dock.closeEngine()
    await dock.openEngine()
    expect(await containers()).toHaveLength(2)
  })

  it('stops at once when it is given up, and leaves nothing', async () => {
    const controller = new AbortController()
    const building = build({ Dockerfile: lines('RUN echo begun; sleep 600') }, {}, controller.signal)
    building.catch(() => {})
    await eventually(
      () => output,
      text => text.includes('begun\n'),
    )
    controller.abort(new Error('enough'))
    await expect(building).rejects.toThrow('enough')
    expect([await containers(), contexts()]).toEqual([[], []])
    expect(mountsBelow(dock.directory)).toEqual([])
  })

  it('makes equal layers of equal input in two engines', async () => {
    const files = {
      Dockerfile: lines('RUN echo one > /one && mkdir -p /a/b && touch /a/b/c', 'RUN touch /tmp/x'),
      f: 'f',
    }
    const first = await layersOf(await build(files))
    await using other = new Dock()
    await other.addImage()
    await other.openEngine()
    const context = Readable.from([contextOf(files)])
    const id = await other.engine.images.build(context, { ...OPTIONS, ...WITHOUT_NETWORK }, () => {}, soon())
    expect((await other.engine.images.inspect(id)).RootFS.Layers).toEqual(first)
  })

  it.each([
    ['while a command runs', 'begun\n'],
    ['while a container is made', ' ---> Running in'],
    ['while a layer is packed', 'Step 3/4'],
    ['while it copies', 'Step 4/4'],
  ])('is wholly gone after a kill -9 %s', async (_when, text) => {
    await dock.closeEngine()
    const isRunning = text === 'begun\n'
    const Dockerfile = lines(
      `RUN --mount=type=secret,id=s --mount=type=cache,target=/c echo begun; ${isRunning ? 'sleep 600' : 'true'}`,
      'RUN dd if=/dev/zero of=/big bs=1M count=32 2>/dev/null',
      'COPY . /c/',
    )
    const options = { ...OPTIONS, ...WITHOUT_NETWORK, secrets: { s: 'YQ==' } }
    const context = join(dock.directory, 'context.tar')
    writeFileSync(context, contextOf({ Dockerfile, f: 'x'.repeat(1 << 20) }))
    const args = [JSON.stringify(dock.options), JSON.stringify(options), context]
    const program = spawn(process.execPath, [join(import.meta.dirname, 'build-program.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = once(program, 'exit')
    let said = ''
    program.stdout.on('data', data => (said += String(data)))
    try {
      await eventually(
        () => said,
        all => all.includes(text),
      )
      if (isRunning) expect(mountsBelow(`${dock.directory}/data/build`)).toHaveLength(1)
    } finally {
      program.kill('SIGKILL')
      await gone
    }
    await dock.openEngine()
    expect([await containers(), contexts()]).toEqual([[], []])
    expect(mountsBelow(dock.directory)).toEqual([])
    const names = (await dock.engine.images.list({})).flatMap(({ RepoTags }) => RepoTags)
    // Whether the last step was done before the kill is chance: then there is the whole image.
    expect([['box:latest'], ['app:1', 'box:latest']]).toContainEqual(names.sort())
    expect(readdirSync(join(dock.options.dataRoot, 'roots'))).toEqual([])
    expect(readdirSync(join(dock.options.dataRoot, 'images/scratch'))).toEqual([])
    await build({ Dockerfile: Dockerfile.replace('sleep 600', 'true'), f: 'x' })
  })
})
