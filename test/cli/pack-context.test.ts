import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { packContext, packDockerfile } from '../../src/cli/build-context/pack-context.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-context-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
}

async function packed(dockerfile = 'Dockerfile', inline?: string): Promise<{ names: string[]; dockerfile: string }> {
  const context = await packContext({ directory, dockerfile, inline })
  const names: string[] = []
  const reader = extract()
  reader.on('entry', ({ name }, content, next) => {
    names.push(name)
    content.resume()
    content.on('end', next)
  })
  await pipeline(context.tar, reader)
  return { names: names.sort(), dockerfile: context.dockerfile }
}

it('packs a Dockerfile without a folder', async () => {
  const found: Record<string, string> = {}
  const reader = extract()
  reader.on('entry', ({ name }, content, next) => {
    content.on('data', data => (found[name] = String(data)))
    content.on('end', next)
  })
  await pipeline(packDockerfile(Buffer.from('FROM a\n')), reader)
  expect(found).toEqual({ Dockerfile: 'FROM a\n' })
})

it('sends the Dockerfile and the .dockerignore even where they are left out', async () => {
  await write({ Dockerfile: 'FROM a', '.dockerignore': '*', x: '', 'd/y': '' })
  expect((await packed()).names).toEqual(['.dockerignore', 'Dockerfile'])
  await write({ 'sub/My.Dockerfile': 'FROM a' })
  expect(await packed('sub/My.Dockerfile')).toEqual({
    names: ['.dockerignore', 'sub/My.Dockerfile'],
    dockerfile: 'sub/My.Dockerfile',
  })
})

it('looks for exceptions below what is left out only where they name it', async () => {
  await write({ Dockerfile: '', 'docs/README.md': '', 'docs/x': '', 'node_modules/m/keep': '' })
  await write({ '.dockerignore': 'docs\nnode_modules\n!docs/README.md\n!**/keep\n' })
  expect((await packed()).names).toEqual(['.dockerignore', 'Dockerfile', 'docs/README.md'])
})

it('prefers the ignore file of the Dockerfile', async () => {
  await write({ Dockerfile: '', 'Dockerfile.dockerignore': 'a', '.dockerignore': 'b', a: '', b: '' })
  expect((await packed()).names).toEqual(['.dockerignore', 'Dockerfile', 'Dockerfile.dockerignore', 'b'])
})

it('takes a Dockerfile from elsewhere, or none but its text, along under a name of its own', async () => {
  const outside = `${directory}.Dockerfile`
  await write({ '..a': '' })
  await writeFile(outside, 'FROM a')
  try {
    expect(await packed(outside)).toEqual({ names: ['..a', '.shoal.Dockerfile'], dockerfile: '.shoal.Dockerfile' })
  } finally {
    await rm(outside)
  }
  expect((await packed('Dockerfile', 'FROM b')).names).toEqual(['..a', '.shoal.Dockerfile'])
  expect((await packed('..a')).dockerfile).toBe('..a')
})

it('packs links as links, and says which Dockerfile is missing', async () => {
  await write({ Dockerfile: '' })
  await symlink('/etc', join(directory, 'link'))
  expect((await packed()).names).toEqual(['Dockerfile', 'link'])
  await expect(packed('missing')).rejects.toThrow(`${directory}/missing does not exist`)
})
