import { expect, it } from 'vitest'
import { registryConfig } from '../../../src/runtime/system-info/registry-config.ts'

it('tells mirrors, and insecure registries by name and by range', () => {
  expect(registryConfig(['10.0.0.0/8', 'box:5000'], ['https://mirror'])).toMatchObject({
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', '10.0.0.0/8'],
    IndexConfigs: {
      'docker.io': { Mirrors: ['https://mirror'], Official: true, Secure: true },
      'box:5000': { Official: false, Secure: false },
    },
    Mirrors: ['https://mirror'],
  })
})
