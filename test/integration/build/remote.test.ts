import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isRoot, streamOf } from '../images/support.ts'
import { BuildLab, contextOf } from './support.ts'

describe.skipIf(!isRoot)('what builds fetch', () => {
  let lab: BuildLab
  let server: Server
  let url: string
  const answers = new Map<string, { readonly body: Buffer; readonly headers?: Readonly<Record<string, string>> }>()
  beforeEach(async () => {
    answers.clear()
    server = createServer(({ url: path = '' }, response) => {
      if (path === '/slow') return
      if (path.startsWith('/to/')) return void response.writeHead(302, { location: path.slice(3) }).end()
      const answer = answers.get(path.replace(/\?.*/, ''))
      response.writeHead(answer === undefined ? 404 : 200, answer?.headers ?? {}).end(answer?.body)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    lab = new BuildLab()
    await lab.open('a')
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await lab[Symbol.asyncDispose]()
  })

  const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
  const build = (...lines: readonly string[]): Promise<string> =>
    lab.build({ Dockerfile: ['FROM base', ...lines].join('\n') })

  it('adds files from addresses, with their time and for their owner alone', async () => {
    const headers = { 'last-modified': 'Fri, 14 Jul 2017 02:40:00 GMT' }
    answers.set('/d/file.tar.gz', { body: gzipSync('text'), headers })
    answers.set('/plain', { body: Buffer.from('text') })
    const id = await build(
      `ADD ${url}/d/file.tar.gz /dir/`,
      `ADD --checksum=${digest('text')} ${url}/to/plain /as/named`,
      `ADD --chmod=644 --chown=7 ${url}/plain?query=1 /open`,
    )
    const root = await lab.rootOf(id)
    const { mode, mtimeMs } = statSync(join(root, 'dir/file.tar.gz'))
    expect([mode & 0o777, mtimeMs]).toEqual([0o600, 1_500_000_000_000])
    expect(readFileSync(join(root, 'as/named'), 'utf8')).toBe('text')
    expect(statSync(join(root, 'as/named')).mtimeMs).toBe(0)
  })

  it('says what is wrong with an address', async () => {
    answers.set('/plain', { body: Buffer.from('text') })
    await expect(build(`ADD ${url}/missing /x`)).rejects.toThrow(
      `ADD failed: failed to GET ${url}/missing with status 404`,
    )
    await expect(build(`ADD ${url}/ /x/`)).rejects.toThrow('ADD failed: cannot determine filename from url')
    await expect(build(`ADD --checksum=sha256:00 ${url}/plain /x`)).rejects.toThrow('invalid checksum sha256:00')
    await expect(build(`ADD --checksum=${digest('other')} ${url}/plain /x`)).rejects.toThrow('digest mismatch')
  })

  it('builds from the address of an archive, or of a Dockerfile alone', async () => {
    const files = { Dockerfile: 'FROM base\nCOPY f /f\n', f: 'fetched' }
    answers.set('/context.tgz', { body: gzipSync(contextOf(files)) })
    answers.set('/Dockerfile', { body: Buffer.from('FROM base\nRUN echo alone > /f\n') })
    answers.set('/noise', { body: Buffer.from([1, 0, 2, 0]) })
    const from = async (remote: string): Promise<string> => {
      const id = await lab.buildFrom(streamOf(Buffer.of()), { remote })
      return readFileSync(join(await lab.rootOf(id), 'f'), 'utf8')
    }
    expect([await from(`${url}/context.tgz`), await from(`${url}/Dockerfile`)]).toEqual(['fetched', 'alone\n'])
    await expect(from(`${url}/noise`)).rejects.toThrow('neither an archive nor a Dockerfile')
    await expect(from(`${url}/none`)).rejects.toThrow('with status 404')
    await expect(from('https://github.com/a/b.git#main')).rejects.toMatchObject({ code: 'NO_GIT', status: 501 })
    await expect(from('ftp://h/x')).rejects.toThrow('could not be recognized as URL')
  })

  it('gives up an address that does not answer when the build is given up', async () => {
    const controller = new AbortController()
    const options = { tags: [], dockerfile: 'Dockerfile', buildArgs: {}, labels: {}, noCache: false, pull: false }
    const context = streamOf(contextOf({ Dockerfile: `FROM base\nADD ${url}/slow /x\n` }))
    const asked = new Promise(resolve => server.once('request', resolve))
    const building = lab.builder.build(context, options, () => {}, controller.signal)
    building.catch(() => {})
    await asked
    controller.abort(new Error('enough'))
    await expect(building).rejects.toThrow('enough')
  })
})
