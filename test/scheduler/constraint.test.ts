import { describe, expect, it } from 'vitest'
import { parseConstraint } from '../../src/scheduler/index.ts'
import { node } from './fixtures.ts'

const n1 = node('n1', {
  labels: { disk: 'ssd', zone: 'eu-1' },
  engineLabels: { storage: 'ssd', region: 'us-east', ostype: 'linux' },
  platform: { os: 'linux', arch: 'x86_64' },
})

describe('constraints', () => {
  it.each([
    ['node.labels.disk==ssd', true],
    ['node.labels.disk == SSD', true],
    ['node.labels.disk != ssd', false],
    ['node.labels.absent==x', false],
    ['node.labels.absent!=x', true],
    ['node.labels.zone==eu-*', true],
    ['node.labels.zone==/^eu-[0-9]$/', true],
    ['node.labels.zone==eu', false],
    ['node.hostname==n1', true],
    ['node.hostname!=n1', false],
    ['node.id==id-n1', true],
    ['node.role==worker', true],
    ['node.role==manager', false],
    ['node.platform.os==linux', true],
    ['node.platform.arch==amd64', true],
    ['node.platform.arch==x86_64', true],
    ['node.platform.arch!=amd64', false],
    ['engine.labels.storage==ssd', true],
    ['storage==ssd', true],
    ['storage==SSD', false],
    ['storage!=disk', true],
    ['region==us*', true],
    ['region==/east$/', true],
    ['region!=us*', false],
    ['disk==ssd', true],
    ['absent!=x', true],
    ['node==n1', true],
    ['node==id-n1', true],
    ['node==/n[12]/', true],
    ['node!=n1', false],
    ['ostype==linux', true],
    ['storage==~disk', false],
  ])('%s: %s', (expression, holds) => {
    expect(parseConstraint(expression).holds(n1)).toBe(holds)
  })

  it('knows soft ones', () => {
    expect(parseConstraint('storage==~ssd').soft).toBe(true)
    expect(parseConstraint('storage!=~ssd').soft).toBe(true)
    expect(parseConstraint('storage==ssd').soft).toBe(false)
  })

  it.each([
    ['storage=ssd', 'One of operator ==, != is expected'],
    ['s==x', "Key 's' is invalid"],
    ['1a==x', "Key '1a' is invalid"],
    ['storage==', "Value '' is invalid"],
    ['storage==a;b', "Value 'a;b' is invalid"],
    ['node.nothing==x', "Key 'node.nothing' is invalid"],
    ['node.labels.==x', "Key 'node.labels.' is invalid"],
    ['storage==/(/', 'missing )'],
  ])('refuses %s', (expression, message) => {
    expect(() => parseConstraint(expression)).toThrow(
      expect.objectContaining({ code: 'BAD_CONSTRAINT', message: expect.stringContaining(message) }),
    )
  })
})
