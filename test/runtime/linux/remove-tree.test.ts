import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { removeFile, removeTree } from '../../../src/runtime/linux/files/remove-tree.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-remove-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

it('deletes all that is below a directory, and nothing that links in it lead to', async () => {
  const [tree, kept] = [join(directory, 'tree'), join(directory, 'kept')]
  mkdirSync(join(tree, 'a/b/c'), { recursive: true })
  mkdirSync(kept)
  writeFileSync(join(kept, 'file'), 'still here')
  for (let index = 0; index < 40; index++) writeFileSync(join(tree, `a/b/${index}`), '')
  symlinkSync(kept, join(tree, 'a/link'))
  symlinkSync(join(kept, 'file'), join(tree, 'file-link'))
  await removeTree(tree)
  expect(existsSync(tree)).toBe(false)
  expect(readFileSync(join(kept, 'file'), 'utf8')).toBe('still here')
})

it('deletes a file or a link in place of a directory', async () => {
  const link = join(directory, 'link')
  symlinkSync(directory, link)
  await removeTree(link)
  expect(existsSync(link)).toBe(false)
  expect(existsSync(directory)).toBe(true)
})

it('is content with what is not there', async () => {
  await removeTree(join(directory, 'nothing'))
  await removeFile(join(directory, 'nothing'))
})

it('says why it cannot', async () => {
  await expect(removeFile(directory)).rejects.toMatchObject({ code: 'EISDIR' })
})
