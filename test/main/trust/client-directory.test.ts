import { expect, it } from 'vitest'
import { defaultDirectory } from '../../../src/main/swarm/client-cert.ts'

it.each([
  [{ DOCKER_CERT_PATH: '/certs', DOCKER_CONFIG: '/config', HOME: '/home/ann' }, '/certs'],
  [{ DOCKER_CONFIG: '/config', HOME: '/home/ann' }, '/config'],
  [{ DOCKER_CERT_PATH: '', DOCKER_CONFIG: '', HOME: '/home/ann' }, '/home/ann/.docker'],
  [{}, '/root/.docker'],
])("keeps a person's certificate where docker looks for it: %j", (env, directory) => {
  expect(defaultDirectory(env)).toBe(directory)
})
