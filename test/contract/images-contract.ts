import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import type { Engine } from '../../src/docker-api/index.ts'
import { contextTar } from '../support/busybox-image.ts'

const PLAIN_BUILD = { tags: [], dockerfile: 'Dockerfile', buildArgs: {}, labels: {}, noCache: false, pull: false }
const soon = (): AbortSignal => AbortSignal.timeout(30_000)

/** What every engine does with images and builds. `image` is there, and has a shell. */
export function imagesContract(engineOf: () => Engine, image: string): void {
  /** What a container of an image writes. */
  const outputOf = async (name: string): Promise<string> => {
    const { containers } = engineOf()
    const { Id } = await containers.create({ Image: name, HostConfig: { NetworkMode: 'none' } }, {})
    await containers.start(Id)
    await containers.wait(Id, { condition: 'not-running' }, soon())
    const chunks = await Array.fromAsync(containers.logs(Id, { stdout: true, stderr: true, follow: false }, soon()))
    return chunks.map(({ data }) => data.toString()).join('')
  }

  it('tags, saves, loads and removes images', async () => {
    await engineOf().images.tag(image, 'team/copy:1')
    expect((await engineOf().images.inspect('team/copy:1')).Id).toBe((await engineOf().images.inspect(image)).Id)
    const archive = await buffer(await engineOf().images.save(['team/copy:1']))
    expect(await engineOf().images.remove('team/copy:1', {})).toContainEqual({ Untagged: 'team/copy:1' })
    await expect(engineOf().images.inspect('team/copy:1')).rejects.toMatchObject({ status: 404 })
    expect(await engineOf().images.load(Readable.from([archive]), soon())).toEqual(['team/copy:1'])
    expect((await engineOf().images.list({})).flatMap(({ RepoTags }) => RepoTags)).toEqual(
      expect.arrayContaining([image, 'team/copy:1']),
    )
    await engineOf().images.remove('team/copy:1', {})
  })

  it('imports a root file system, tells how an image came to be, and prunes what nothing needs', async () => {
    const root = await contextTar({ 'srv/page': 'imported' })
    const options = {
      name: 'contract/imported:1',
      message: 'by hand',
      changes: ['CMD ["/x"]', 'LABEL contract=import'],
    }
    const id = await engineOf().images.import(Readable.from([root]), options, soon())
    expect(await engineOf().images.inspect(options.name)).toMatchObject({
      Id: id,
      Comment: 'by hand',
      Size: 8,
      Config: { Cmd: ['/x'], Labels: { contract: 'import' } },
    })
    const history = await engineOf().images.history(options.name)
    expect(history).toEqual([expect.objectContaining({ Id: id, Comment: 'by hand', Tags: [options.name], Size: 8 })])
    await expect(engineOf().images.import(Readable.from([root]), { changes: ['RUN x'] }, soon())).rejects.toMatchObject(
      {
        status: 400,
        message: expect.stringContaining('run is not a valid change command'),
      },
    )

    const mine = { label: ['contract=import'] }
    expect(await engineOf().images.prune({ filters: mine })).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 })
    const { ImagesDeleted, SpaceReclaimed } = await engineOf().images.prune({
      filters: { ...mine, dangling: ['false'] },
    })
    expect(ImagesDeleted?.slice(0, 2)).toEqual([{ Untagged: options.name }, { Deleted: id }])
    expect(SpaceReclaimed).toBe(8)
    await expect(engineOf().images.history(options.name)).rejects.toMatchObject({
      status: 404,
      message: 'No such image: contract/imported:1',
    })
    for (const call of [engineOf().images.list, engineOf().images.prune]) {
      await expect(call({ filters: { color: ['red'] } })).rejects.toMatchObject({
        status: 400,
        message: expect.stringMatching(/^invalid filter 'color'/i),
      })
    }
    for (const call of [
      () => engineOf().images.distribution('127.0.0.1:1/none:1', {}, soon()),
      () => engineOf().images.login({ username: 'a', password: 'b', serveraddress: '127.0.0.1:1' }, soon()),
      () => engineOf().images.search('127.0.0.1:1/none', {}, soon()),
    ]) {
      await expect(call()).rejects.toThrow(/127\.0\.0\.1:1/)
    }
  })

  it('builds an image', async () => {
    const context = await contextTar({
      Dockerfile: `FROM ${image}\nCOPY hello /hello\nCMD ["cat","/hello"]\n`,
      hello: 'built\n',
    })
    const options = { ...PLAIN_BUILD, tags: ['built:1'], labels: { a: 'b' } }
    const id = await engineOf().images.build(Readable.from([context]), options, () => {}, soon())
    expect(await engineOf().images.inspect('built:1')).toMatchObject({ Id: id, Config: { Labels: { a: 'b' } } })
    expect(await outputOf('built:1')).toBe('built\n')
    const history = (await engineOf().images.history('built:1')).map(({ CreatedBy }) => CreatedBy)
    expect(history.slice(0, 2)).toEqual(['/bin/sh -c #(nop)  LABEL a=b', '/bin/sh -c #(nop)  CMD ["cat" "/hello"]'])
    expect(history[2]).toMatch(/^\/bin\/sh -c #\(nop\) COPY file:[0-9a-f]{64} in \/hello $/)
  })

  it('says what is wrong with a build, and forgets what it kept for others', async () => {
    const failure = async (...lines: readonly string[]): Promise<unknown> => {
      const context = await contextTar({ Dockerfile: [`FROM ${image}`, ...lines].join('\n') })
      const options = { ...PLAIN_BUILD, hostConfig: { NetworkMode: 'none' } }
      return engineOf()
        .images.build(Readable.from([context]), options, () => {}, soon())
        .catch((error: unknown) => error)
    }
    const where = 'file not found in build context or excluded by .dockerignore'
    expect(await failure('COPY missing /')).toMatchObject({
      message: `COPY failed: ${where}: stat missing: file does not exist`,
    })
    expect(await failure('RUN exit 3')).toMatchObject({
      message: "The command '/bin/sh -c exit 3' returned a non-zero code: 3",
      details: { exitCode: 3 },
    })
    expect(await failure('', 'RUNN x')).toMatchObject({
      message: 'dockerfile parse error line 3: unknown instruction: RUNN',
      status: 400,
    })
    expect(await failure('STOPSIGNAL SIGFOO')).toMatchObject({ message: 'Invalid signal: SIGFOO' })
    const { SpaceReclaimed } = await engineOf().images.pruneBuildCache({ all: true })
    expect(SpaceReclaimed).toBeGreaterThanOrEqual(0)
    expect(await engineOf().images.pruneBuildCache({ all: true })).toEqual({ CachesDeleted: null, SpaceReclaimed: 0 })
  })
}
