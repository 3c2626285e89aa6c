import { expect, it } from 'vitest'
import { taskIdIn, withoutClusterLabels } from '../../src/core/model/labels.ts'

it.each([
  ['none', undefined, undefined],
  ['null', null, undefined],
  ["a task's", { 'shoal.task.id': 't1' }, 't1'],
  ['no name', { 'shoal.task.id': '' }, undefined],
  ['those of a container that was created by itself', { 'shoal.task.id': 't1', 'com.docker.swarm.id': 'x' }, undefined],
])('labels that are %s name their task', (_what, labels, task) => {
  expect(taskIdIn(labels)).toBe(task)
})

it('tells what a container is to its cluster from what people wrote', () => {
  const own = { tier: 'web', 'com.docker.compose.project': 'shop', 'com.docker.swarm.service.id': 'of another swarm' }
  const cluster = {
    'shoal.task.id': 't1',
    'shoal.placement': '{}',
    'com.docker.swarm.id': 'x',
    'com.docker.swarm.constraints': '[]',
    'com.docker.swarm.reschedule-policies': '["on-node-failure"]',
  }
  expect(withoutClusterLabels({ ...own, ...cluster })).toEqual(own)
  expect(withoutClusterLabels(null)).toEqual({})
})
