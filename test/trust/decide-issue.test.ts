import { expect, it } from 'vitest'
import { decideIssue, type NameRecord } from '../../src/trust/index.ts'

const request = { name: 'n2', role: 'node', clusterId: undefined, hosts: ['10.0.0.2'], keyDigest: 'k2' }
const n1: NameRecord = {
  name: 'n1',
  role: 'node',
  hosts: ['10.0.0.1'],
  keyDigest: 'k1',
  certificates: [],
  trusts: [],
  shows: '',
}
const manager: NameRecord = { ...n1, name: 'm1', role: 'manager', hosts: ['10.0.0.9'], keyDigest: 'km' }
const asked = {
  request,
  by: { token: 'node' as const },
  clusterId: 'c1',
  living: [n1, manager],
  remoteAddress: '10.0.0.2',
}
const byN1 = { certificate: { name: 'n1', role: 'node' as const, clusterId: 'c1' } }

it('gives a newcomer the role of its token, in this cluster', () => {
  expect(decideIssue(asked)).toEqual({
    subject: { name: 'n2', role: 'node', clusterId: 'c1' },
    hosts: ['10.0.0.2'],
  })
})

it('lets an owner have its name again, and who lost an answer ask with the same key', () => {
  const again = { ...request, name: 'n1', keyDigest: 'k1', hosts: [] }
  expect(decideIssue({ ...asked, request: again }).subject.name).toBe('n1')
  expect(decideIssue({ ...asked, by: byN1, request: { ...again, keyDigest: 'k9' } }).subject.name).toBe('n1')
})

it.each([
  ['the role of a manager', { role: 'manager' }, 'it asks for the role manager, and this token is for node'],
  ['another cluster', { clusterId: 'c2' }, 'it asks for the cluster c2'],
  ["a living node's name", { name: 'n1' }, 'The name n1 belongs to a node'],
  ["a living manager's name", { name: 'm1' }, 'The name m1 belongs to a manager'],
  ["the name of the store's administrator", { name: 'root' }, 'Cannot make a certificate for the name "root"'],
  ['the name that managers are known by', { name: 'manager.shoal.internal' }, 'Cannot make a certificate for the name'],
  ['a name with more in it', { name: 'n2/OU=manager' }, 'Cannot make a certificate for the name'],
  ["a manager's address", { hosts: ['10.0.0.9'] }, "The host 10.0.0.9 is m1's"],
  ['the host of managers', { hosts: ['Manager.Shoal.Internal'] }, 'Cannot make a certificate for the host'],
  ["another's name as a host", { hosts: ['N1'] }, "The host n1 is n1's"],
  ['any host at all', { hosts: ['*.example'] }, 'Cannot make a certificate for the host "*.example"'],
  ['hosts without end', { hosts: Array.from({ length: 17 }, (_, index) => `h${index}`) }, 'more than 16 hosts'],
])('refuses a request for %s', (_what, change, message) => {
  expect(() => decideIssue({ ...asked, request: { ...request, ...change } })).toThrow(message)
})

it('lets two members of one host name its address, if the second asks from there', () => {
  const shared = { ...request, hosts: ['10.0.0.9'] }
  expect(decideIssue({ ...asked, request: shared, remoteAddress: '10.0.0.9' }).hosts).toEqual(['10.0.0.9'])
})

it("lets a node have the name of its host, which is its manager's too", () => {
  const living = [{ ...manager, hosts: ['10.0.0.9', 'n2'] }]
  const hosts = ['10.0.0.9']
  expect(decideIssue({ ...asked, living, request: { ...request, hosts }, remoteAddress: '10.0.0.9' }).hosts).toEqual(
    hosts,
  )
  expect(() => decideIssue({ ...asked, living })).toThrow("The host n2 is m1's")
})

it('gives an owner no other name, and a client no hosts', () => {
  expect(() => decideIssue({ ...asked, by: byN1 })).toThrow('n1 cannot ask for the name n2')
  const client = { ...request, role: 'client' }
  expect(() => decideIssue({ ...asked, by: { token: 'client' }, request: client })).toThrow('a client serves nothing')
})
