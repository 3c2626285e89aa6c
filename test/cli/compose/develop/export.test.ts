import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { composeProject } from '../../support/compose-project.ts'

const { manager, directory, compose } = composeProject('name: shop\nservices: {web: {image: "web:1", scale: 2}}\n')

it('writes the files of a replica as a tar, to a file or to standard output', async () => {
  await compose('up -d')
  for (const index of [1, 2]) manager().answers.set(`GET /containers/c-web-${index}/export`, { body: `tar ${index}` })
  expect(await compose('export web')).toMatchObject({ code: 0, stdout: 'tar 1' })
  const file = join(directory(), 'web.tar')
  expect(await compose(`export --index 2 -o ${file} web`)).toMatchObject({ code: 0, stdout: '' })
  expect(await readFile(file, 'utf8')).toBe('tar 2')
})

it('only says what it would do, refuses a directory, and names a replica that is not there', async () => {
  await compose('up -d')
  expect((await compose('export --dry-run web')).stdout).toBe('export container shop-web-1\n')
  expect((await compose(`export -o ${directory()} web`)).stderr).toBe(
    'failed to export container: cannot write to a directory\n',
  )
  expect((await compose('export --index 3 web')).stderr).toContain('service "web" is not running container #3')
})
