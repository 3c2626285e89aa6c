import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'
import { type BenchClient, createAndStart, milliseconds, times } from './client.ts'

const SMALL_FILES = 3_000
const LARGE_BYTES = 200_000_000
const ROUNDS = 3

export interface Files {
  /** Milliseconds of each. */
  readonly copiesIn: readonly number[]
  readonly copiesOut: readonly number[]
  readonly commits: readonly number[]
  readonly saves: readonly number[]
  readonly exports: readonly number[]
}

/** Many small files into and out of a container, and one that no compression makes smaller into an image and out again. */
export async function measureFiles(client: BenchClient): Promise<Files> {
  const id = await createAndStart(client, 'none', ['sleep', '1000'])
  const read = (path: string) => () => milliseconds(() => readAll(client, path))
  try {
    const small = await smallFiles()
    const copiesIn = await times(ROUNDS, 1, () =>
      milliseconds(() => client.call('PUT', `/containers/${id}/archive?path=/`, small)),
    )
    const copiesOut = await times(ROUNDS, 1, read(`/containers/${id}/archive?path=/small`))
    const large = pack()
    large.entry({ name: 'large' }, randomBytes(LARGE_BYTES))
    large.finalize()
    await client.call('PUT', `/containers/${id}/archive?path=/`, await buffer(large))
    const exports = await times(ROUNDS, 1, read(`/containers/${id}/export`))
    const [commits, saves]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      const name = `bench-committed:${round}`
      commits.push(
        await milliseconds(() => client.call('POST', `/commit?container=${id}&repo=bench-committed&tag=${round}`)),
      )
      saves.push(await read(`/images/${name}/get`)())
      await client.call('DELETE', `/images/${name}`)
    }
    return { copiesIn, copiesOut, commits, saves, exports }
  } finally {
    await client.call('DELETE', `/containers/${id}?force=1`)
  }
}

async function readAll({ http }: BenchClient, path: string): Promise<void> {
  const answer = await http.open('GET', `/v1.41${path}`)
  for await (const chunk of answer) if (!Buffer.isBuffer(chunk)) throw new Error(`${path}: no bytes came`)
  if (answer.statusCode !== 200) throw new Error(`${path}: status ${answer.statusCode}`)
}

async function smallFiles(): Promise<Buffer> {
  const archive = pack()
  for (let index = 0; index < SMALL_FILES; index++) {
    archive.entry({ name: `small/${index % 60}/${index}` }, Buffer.alloc(2_000 + ((index * 37) % 9_000), `${index}\n`))
  }
  archive.finalize()
  return buffer(archive)
}
