import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import {
  changesBetween,
  type FileTree,
  filesBelow,
  joinChanges,
  scanTree,
} from '../../../../src/cli/commands/compose/develop/file-tree.ts'

const ALL = { isRelevant: () => true, mayHoldRelevant: () => true }
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-tree-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function filesNow(rules = ALL): Promise<FileTree> {
  return (await scanTree(directory, rules)).files
}

it('sees new, changed and removed files, links and modes', async () => {
  await mkdir(join(directory, 'a/b'), { recursive: true })
  await writeFile(join(directory, 'a/b/one'), '1')
  await writeFile(join(directory, 'two'), '2')
  await writeFile(join(directory, 'three'), '3')
  const before = await filesNow()
  await writeFile(join(directory, 'a/b/one'), 'changed')
  await rm(join(directory, 'two'))
  await chmod(join(directory, 'three'), 0o700)
  await symlink('three', join(directory, 'four'))
  expect(changesBetween(before, await filesNow())).toEqual({ written: ['a/b/one', 'four', 'three'], removed: ['two'] })
})

it('sees a file that took the place of a directory, and the other way round', async () => {
  await mkdir(join(directory, 'x'))
  await writeFile(join(directory, 'x/inner'), '')
  const before = await filesNow()
  await rm(join(directory, 'x'), { recursive: true })
  await writeFile(join(directory, 'x'), '')
  const after = await filesNow()
  expect(changesBetween(before, after)).toEqual({ written: ['x'], removed: ['x/inner'] })
  expect(changesBetween(after, before)).toEqual({ written: ['x/inner'], removed: ['x'] })
})

it('does not enter what is left out, and takes a single file by an empty name', async () => {
  await mkdir(join(directory, 'skipped'))
  await writeFile(join(directory, 'skipped/a'), '')
  await writeFile(join(directory, 'file'), '')
  const rules = { isRelevant: () => true, mayHoldRelevant: (path: string) => path !== 'skipped' }
  expect([...(await scanTree(directory, rules)).directories.keys()]).toEqual([directory])
  expect([...(await scanTree(join(directory, 'file'), ALL)).files.keys()]).toEqual([''])
  expect((await scanTree(join(directory, 'gone'), ALL)).files.size).toBe(0)
})

it('tells which files are in a directory', () => {
  const tree: FileTree = new Map(['a/b/c', 'a/bc', 'd'].map(path => [path, '1']))
  expect([...filesBelow(tree, '/src', ['/src/a/b']).keys()]).toEqual(['a/b/c'])
  expect([...filesBelow(tree, '/src', ['/src']).keys()]).toEqual(['a/b/c', 'a/bc', 'd'])
  expect(filesBelow(tree, '/src', []).size).toBe(0)
})

const trees = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2')))
  .map(pairs => new Map(pairs))

it('joined changes lead where one after the other does', () => {
  const apply = (tree: FileTree, { written, removed }: ReturnType<typeof changesBetween>): readonly string[] => {
    const left = [...tree.keys()].filter(path => !removed.includes(path))
    return [...new Set([...left, ...written])].toSorted()
  }
  fc.assert(
    fc.property(trees, trees, trees, (first, second, third) => {
      const joined = joinChanges(changesBetween(first, second), changesBetween(second, third))
      expect(apply(first, joined)).toEqual([...third.keys()].toSorted())
    }),
  )
})
