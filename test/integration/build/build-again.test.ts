import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sleep, systemClock } from '../../../src/core/clock.ts'
import { entry, isRoot, soon, streamOf } from '../images/support.ts'
import { BuildLab, CONTEXT_SECONDS } from './support.ts'

describe.skipIf(!isRoot)('building images again', () => {
  let lab: BuildLab
  beforeEach(async () => {
    lab = new BuildLab()
    await lab.open('a')
  })
  afterEach(() => lab[Symbol.asyncDispose]())

  it('makes equal layers of equal input on another day and another host', async () => {
    const files = {
      Dockerfile: [
        'FROM base',
        'WORKDIR /srv',
        'RUN echo one > /one && mkdir /dir && touch /dir/two && chmod 600 /one',
        'COPY . .',
        'COPY --chown=7 <<EOF /deep/er/here',
        'text',
        'EOF',
        'RUN rm /one && echo more >> /srv/sub/file',
      ].join('\n'),
      'sub/file': 'x',
    }
    const layersOf = async (id: string): Promise<readonly string[]> =>
      (await lab.store.describe(id)).layers.map(({ diffId, digest }) => `${diffId} ${digest}`)
    const first = await layersOf(await lab.build(files))
    // Two seconds later every file that the build makes has another time.
    await sleep(systemClock, 2_000)
    expect(await layersOf(await lab.build(files, { noCache: true }))).toEqual(first)
    await lab.open('b')
    expect(await layersOf(await lab.build(files))).toEqual(first)
    const root = await lab.rootOf((await lab.store.images.inspect('app:1')).Id)
    expect(statSync(join(root, 'dir/two')).mtimeMs).toBe(CONTEXT_SECONDS * 1_000)
  })

  it('tells commands which time their files will have, unless the file says something else', async () => {
    const Dockerfile =
      'FROM base\nRUN echo "epoch $SOURCE_DATE_EPOCH"\nENV SOURCE_DATE_EPOCH=5\nRUN echo "own $SOURCE_DATE_EPOCH"\n'
    const id = await lab.build({ Dockerfile })
    expect(lab.output).toContain(`epoch ${CONTEXT_SECONDS}\n`)
    expect(lab.output).toContain('own 5\n')
    const { history = [], config } = await lab.store.describe(id)
    expect(history[1]?.created_by).toBe('/bin/sh -c echo "epoch $SOURCE_DATE_EPOCH"')
    expect(config.Env).toEqual(['PATH=/usr/bin', 'SOURCE_DATE_EPOCH=5'])
    // When the context was checked out is no reason to do a step again.
    const older = entry('Dockerfile', { content: Dockerfile, mtimeSeconds: CONTEXT_SECONDS - 1 })
    await lab.build({ Dockerfile: older })
    expect(lab.output.match(/Using cache/g)).toHaveLength(3)
  })

  it('gives one and the same image for one SOURCE_DATE_EPOCH', async () => {
    const files = { Dockerfile: 'FROM base\nRUN echo one > /one\nENV A=1\n' }
    const change = { buildArgs: { SOURCE_DATE_EPOCH: '1500000000' } }
    const id = await lab.build(files, change)
    expect(lab.output).not.toContain('not consumed')
    const { history = [], createdMs } = await lab.store.describe(id)
    expect(createdMs).toBe(1_500_000_000_000)
    expect(history.slice(1).map(({ created }) => created)).toEqual(Array(2).fill('2017-07-14T02:40:00.000Z'))
    expect(statSync(join(await lab.rootOf(id), 'one')).mtimeMs).toBe(1_500_000_000_000)
    await lab.open('b')
    expect(await lab.build(files, change)).toBe(id)
    await expect(lab.build(files, { buildArgs: { SOURCE_DATE_EPOCH: 'soon' } })).rejects.toThrow(
      'invalid SOURCE_DATE_EPOCH: soon',
    )
  })

  it('takes steps over from another image, and says nothing of one that is not there', async () => {
    const files = { Dockerfile: 'FROM base\nRUN echo one > /one\nCOPY f /f\nCMD x\n', f: 'f' }
    const id = await lab.build(files, { tags: ['cached:1'] })
    const archive = await buffer(await lab.store.images.save(['base', 'cached:1']))
    await lab.open('b')
    await lab.store.images.load(streamOf(archive), soon())
    expect(await lab.build(files, { cacheFrom: ['missing:1', 'cached:1'] })).toBe(id)
    expect(lab.output.match(/---> Using cache/g)).toHaveLength(3)
    expect(lab.containers.commands).toEqual([])
  })

  it('takes no step over from an image that is only here, whatever it says of its history', async () => {
    const files = { Dockerfile: 'FROM base\nRUN echo one > /one\n' }
    await lab.build(files, { tags: ['planted:1'] })
    const archive = await buffer(await lab.store.images.save(['base', 'planted:1']))
    await lab.open('b')
    await lab.store.images.load(streamOf(archive), soon())
    for (const cacheFrom of [[], ['base']]) {
      await lab.build({ ...files, Dockerfile: `${files.Dockerfile}LABEL from=${cacheFrom.length}\n` }, { cacheFrom })
    }
    expect(lab.containers.commands).toHaveLength(1)
    expect(lab.containers.commands[0]).toContain('echo one > /one')
  })

  it('keeps nothing for the next build once that is said', async () => {
    const files = { Dockerfile: 'FROM base\nRUN echo one > /one\n' }
    const id = await lab.build(files)
    await lab.store.images.remove('app:1', {})
    const { CachesDeleted, SpaceReclaimed } = await lab.builder.pruneBuildCache({})
    expect([CachesDeleted?.length, SpaceReclaimed >= 0]).toEqual([1, true])
    await lab.build(files)
    expect(lab.output).not.toContain('Using cache')
    expect(lab.containers.commands).toHaveLength(2)
    expect(await lab.builder.pruneBuildCache({})).toMatchObject({ CachesDeleted: [expect.any(String)] })
    expect(await lab.builder.pruneBuildCache({})).toEqual({ CachesDeleted: null, SpaceReclaimed: 0 })
    expect(id).toMatch(/^sha256:/)
  })

  it('shows what commands say on standard error in red', async () => {
    await lab.build({ Dockerfile: 'FROM base\nRUN echo out; echo err >&2\n' })
    expect(lab.output).toContain('out\n')
    expect(lab.output).toContain('\u001b[91merr\n\u001b[0m')
  })

  it('builds the same twice at a time', async () => {
    const files = {
      Dockerfile: 'FROM base\nRUN echo one > /one\nWORKDIR /w\nRUN cat /one > /w/two\nCOPY . .\n',
      f: 'f',
    }
    const options = { noCache: true, buildArgs: { SOURCE_DATE_EPOCH: '1' } }
    const ids = await Promise.all([1, 2, 3, 4].map(number => lab.build(files, { ...options, tags: [`app:${number}`] })))
    expect(new Set(ids).size).toBe(1)
    await lab.builder.pruneBuildCache({})
    expect(readFileSync(join(await lab.rootOf(ids[0] ?? ''), 'w/two'), 'utf8')).toBe('one\n')
  })

  it('does not lose what it has come to when the cache is emptied meanwhile', async () => {
    const building = lab.build({
      Dockerfile: 'FROM base\nRUN echo one > /one\nRUN echo two > /two\nRUN echo three > /three\n',
    })
    building.catch(() => {})
    for (let isDone = false; !isDone; ) {
      isDone = await Promise.race([building.then(() => true), lab.builder.pruneBuildCache({}).then(() => false)])
    }
    expect(readdirSync(await lab.rootOf(await building))).toEqual(expect.arrayContaining(['one', 'two', 'three']))
  })
})
