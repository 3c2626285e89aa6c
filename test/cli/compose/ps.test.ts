import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'
import { containerSummary } from '../support/container-summary.ts'

const { manager, compose } = composeProject(`
name: shop
services:
  web: {image: "web:1"}
  db: {image: "db:1"}
`)

it('ps tells what is paused', async () => {
  await compose('up -d')
  manager().lives.set('db', [{ paused: true, health: 'healthy' }])
  expect((await compose('ps db')).stdout).toMatch(/ Up .* \(Paused\) /)
  expect((await compose('ps --status paused --services')).stdout).toBe('db\n')
  expect((await compose('ps --status running --services')).stdout).toBe('web\n')
})

it('ps -a shows what run has made too, with its host', async () => {
  await compose('up -d')
  const Labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'db',
    'com.docker.compose.oneoff': 'True',
  }
  const Names = ['/n2/shop-db-run-abc']
  const ended = containerSummary('x', { Names, Labels, State: 'exited', Status: 'Exited (3) 2 minutes ago' })
  manager().answers.set('GET /containers/json', { body: [ended] })
  expect((await compose('ps')).stdout).not.toContain('run-abc')
  const all = (await compose('ps -a')).stdout.split('\n')
  expect(all.map(line => line.split(/\s+/)[0])).toEqual(['NAME', 'shop-db-1', 'shop-db-run-abc', 'shop-web-1', ''])
  expect(all[2]).toMatch(/ db .*Exited \(3\) 2 minutes ago .* n2$/)
  expect((await compose('ps --status exited -q')).stdout).toBe('id-of-x\n')
})
