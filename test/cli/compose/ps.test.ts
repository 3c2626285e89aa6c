import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'

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
