import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findSources } from '../../../../src/runtime/build/steps/sources.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-sources-'))
})
afterEach(() => rm(directory, { recursive: true }))

const find = async (word: string): Promise<readonly string[]> => {
  const sources = await findSources({ directory, missing: path => `no ${path}` }, word)
  return sources.map(({ path }) => path.join('/'))
}

describe('findSources()', () => {
  it('takes a pattern for all that it matches, which may be nothing', async () => {
    mkdirSync(join(directory, 'in'))
    for (const name of ['a1', 'a2', 'b', 'in/a3']) writeFileSync(join(directory, name), '')
    expect(await find('a*')).toEqual(['a1', 'a2'])
    expect(await find('i?/a*')).toEqual(['in/a3'])
    expect(await find('c*')).toEqual([])
    expect(await find('nowhere/a*')).toEqual([])
    expect(await find('b/*')).toEqual([])
  })

  it('wants a path that is no pattern to be there', async () => {
    writeFileSync(join(directory, 'a1'), '')
    await expect(find('a3')).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE', status: 400, message: 'no a3' })
    await expect(find('a\\*')).rejects.toMatchObject({ code: 'NO_SUCH_SOURCE' })
  })
})
