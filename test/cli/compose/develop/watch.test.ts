import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { until } from '../../../../scripts/lib/command.ts'
import { tarNames } from '../../../support/tar-entries.ts'
import { composeProject } from '../../support/compose-project.ts'
import { projectView, taskView } from '../../support/fake-manager.ts'
import type { Outcome } from '../../support/run.ts'

const SHOP = `
name: shop
services:
  web:
    build: .
    scale: 2
    develop:
      watch:
        - {path: ./src, action: sync, target: /app/src, ignore: [ignored]}
        - {path: ./Dockerfile, action: rebuild}
  db:
    image: "db:1"
    develop: {watch: [{path: ./conf, action: sync+restart, target: /etc/db, initial_sync: true}]}
`

const { manager, directory, compose } = composeProject(SHOP)

/** The names in the last tar that a container was sent. */
async function lastSync(container: string): Promise<readonly string[]> {
  const body = manager().bodies.findLast(({ call }) => call === `PUT /containers/${container}/archive`)?.body
  if (!(body instanceof Uint8Array)) return []
  return tarNames(Readable.from([body]))
}

/** Waits until the last that a container was sent is these files. */
async function copied(container: string, ...files: readonly string[]): Promise<void> {
  const isThere = async () => ((await lastSync(container)).join() === files.join() ? true : undefined)
  await until(`${files.join(', ')} in ${container}`, isThere, { everyMs: 5 })
}

/** Waits until something holds. */
async function comes(what: string, holds: () => boolean): Promise<void> {
  await until(what, async () => (holds() ? true : undefined), { everyMs: 5 })
}

async function watching(line: string, during: () => Promise<void>): Promise<Outcome> {
  await mkdir(join(directory(), 'src'))
  await mkdir(join(directory(), 'conf'))
  await writeFile(join(directory(), 'Dockerfile'), 'FROM scratch\n')
  await writeFile(join(directory(), 'conf/db.conf'), 'a')
  for (const id of ['c-web-1', 'c-web-2', 'c-db-1', 'c-web-9']) {
    manager().answers.set(`PUT /containers/${id}/archive`, { body: '' })
    manager().answers.set(`POST /containers/${id}/restart`, { status: 204, body: '' })
  }
  manager().answers.set('GET /info', { body: { SystemTime: '2026-01-01T00:00:00Z' } })
  if (!line.startsWith('up')) await compose('up -d')
  const stop = new AbortController()
  const running = compose(line, { signal: stop.signal })
  try {
    // Copied once everything is watched.
    await copied('c-db-1', 'etc/db/db.conf')
    await during()
  } finally {
    stop.abort(new Error('enough'))
  }
  return running
}

it('copies what changes into every replica, and removes there what is removed here', async () => {
  const { code, stderr } = await watching('watch --no-up', async () => {
    await mkdir(join(directory(), 'src/deep'))
    await writeFile(join(directory(), 'src/ignored'), 'x')
    await writeFile(join(directory(), 'src/deep/a.js'), 'x')
    for (const id of ['c-web-1', 'c-web-2']) {
      await copied(id, 'app/src/deep/a.js')
    }
    await rm(join(directory(), 'src/deep'), { recursive: true })
    await comes('its removal', () => manager().execs.length === 2)
    expect(manager().execs).toMatchObject(
      [1, 2].map(() => ({ Cmd: ['rm', '-rf', '--', '/app/src/deep/a.js'], User: '0' })),
    )
  })
  expect(code).toBe(130)
  expect(stderr).toContain(' ⦿ Watch enabled\n')
  expect(stderr).toContain(' ⦿ Syncing service "web" after 1 changes were detected\n')
})

it('restarts after a copy, and builds and rolls out again', async () => {
  const { stderr } = await watching('watch --no-up --quiet', async () => {
    await writeFile(join(directory(), 'conf/db.conf'), 'b')
    await comes('the restart', () => manager().calls.includes('POST /containers/c-db-1/restart'))
    const builds = manager().builds.length
    await writeFile(join(directory(), 'Dockerfile'), 'FROM scratch\nLABEL a=b\n')
    await comes('the build', () => manager().builds.length === builds + 1)
    await comes('the new image', () => {
      const web = manager()
        .projects.get('shop')
        ?.spec.services.find(({ name }) => name === 'web')
      return web?.container.imageId === manager().images.get('shop-web')
    })
  })
  expect(stderr).toContain(' ⦿ service(s) ["db"] restarted\n')
  expect(stderr).toContain(' ⦿ Rebuilding service(s) ["web"] after changes were detected...\n')
})

it('gives a container that is new all that the others had', async () => {
  await watching('watch --no-up', async () => {
    await writeFile(join(directory(), 'src/a'), 'x')
    await copied('c-web-2', 'app/src/a')
    const spec = manager().projects.get('shop')?.spec
    if (spec === undefined) throw new Error('not up')
    const tasks = [taskView('web', 1), taskView('web', 2, { containerId: 'c-web-9' })]
    manager().projects.set('shop', projectView(spec, tasks))
    await writeFile(join(directory(), 'src/b'), 'x')
    await copied('c-web-9', 'app/src/a', 'app/src/b')
    await copied('c-web-1', 'app/src/b')
  })
})

it('tells what fails, and goes on', async () => {
  const { stderr } = await watching('watch --no-up', async () => {
    manager().answers.set('PUT /containers/c-web-1/archive', { status: 500, body: { message: 'the disk is full' } })
    await writeFile(join(directory(), 'src/a'), 'x')
    await copied('c-web-1', 'app/src/a')
    manager().answers.set('PUT /containers/c-web-1/archive', { body: '' })
    await writeFile(join(directory(), 'src/b'), 'x')
    await copied('c-web-1', 'app/src/a', 'app/src/b')
  })
  expect(stderr).toContain('Warning: service "web": the disk is full\n')
})

it('starts the services before, and shows with --dry-run what it would watch', async () => {
  expect((await compose('watch --dry-run')).stdout.split('\n')[0]).toBe(
    `sync ${directory()}/src to /app/src (service web)`,
  )
  expect(await compose('watch')).toMatchObject({
    code: 1,
    stderr: `can't watch service "web": ${directory()}/src: no such file or directory\n`,
  })
})

it('does not watch by a .dockerignore that it cannot read', async () => {
  await mkdir(join(directory(), '.dockerignore'))
  const { code, stderr } = await compose('watch --dry-run')
  expect(code).not.toBe(0)
  expect(stderr).toContain(`Cannot read ${directory()}/.dockerignore: `)
})

it('up --watch brings up, shows what is written from the first line on, and watches', async () => {
  manager().logs.set('c-db-1', ['2026-01-01T00:00:01Z ready'])
  const attaches = (id: string): number => manager().calls.filter(call => call.includes(`/${id}/logs`)).length
  const { code, stdout, stderr } = await watching('up --watch', async () => {
    await comes('the logs', () => attaches('c-db-1') > 1)
    await writeFile(join(directory(), 'src/a'), 'x')
    await copied('c-web-1', 'app/src/a')
  })
  expect(code).toBe(130)
  expect(stdout).toBe('db-1  | ready\n')
  expect(stderr).toContain(' Service web  Created\n')
  expect(stderr).toContain(' ⦿ Watch enabled\n')
})

it.each(['--attach db', '--no-attach web'])('up --watch shows no more than asked for with %s', async flags => {
  await watching(`up --watch ${flags}`, () =>
    comes('the logs', () => manager().calls.filter(call => call.includes('/c-db-1/logs')).length > 3),
  )
  expect(manager().calls.filter(call => call.includes('/c-web-1/logs'))).toEqual([])
})

it.each([
  ['-d', '--detach and --watch are incompatible\n'],
  ['--no-start', '--no-start and --watch are incompatible\n'],
  ['--abort-on-container-exit', '--abort-on-container-exit and --watch are incompatible\n'],
  ['--exit-code-from db', '--exit-code-from and --watch are incompatible\n'],
  ['--attach nobody', 'no such service: nobody. The services are web, db\n'],
])('refuses up --watch %s, and starts nothing', async (flags, message) => {
  const { code, stderr } = await compose(`up --watch ${flags}`)
  expect(code).not.toBe(0)
  expect(stderr).toBe(message)
  expect(manager().projects.size).toBe(0)
})
