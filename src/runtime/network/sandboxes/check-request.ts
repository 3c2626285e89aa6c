import { invalidInput, type ShoalError } from '../../../core/errors.ts'
import { ipFamily } from '../../../core/ip.ts'
import type { SandboxRequest } from '../../ports.ts'
import { checkEndpointSyntax } from './plan-sandbox.ts'

const WORD = /^[^\s\0]+$/

/** Throws 400 for what no network could give, in dockerd's words where it has some. Nothing is looked up. */
export function checkRequest(request: SandboxRequest): void {
  checkSharing(request)
  for (const entry of request.extraHosts) checkExtraHost(entry)
  for (const server of request.dns) {
    if (ipFamily(server) === undefined)
      throw invalidInput('BAD_DNS', `IP address is not correctly formatted: ${server}`)
  }
  for (const word of [...request.dnsSearch, ...request.dnsOptions]) {
    if (!WORD.test(word))
      throw invalidInput('BAD_DNS', `Cannot write ${JSON.stringify(word)} into resolv.conf: give one word`)
  }
  for (const name of [request.hostname, request.domainname].filter(text => text !== '')) {
    if (!WORD.test(name)) throw invalidInput('BAD_HOSTNAME', `invalid hostname: ${JSON.stringify(name)}`)
  }
  for (const link of request.links ?? []) {
    if (!/^[^\s:]+(:[^\s:]+)?$/.test(link)) throw invalidInput('BAD_LINK', `bad format for links: ${link}`)
  }
  checkEndpointSyntax({ MacAddress: request.macAddress ?? '' })
  for (const config of Object.values(request.endpoints)) checkEndpointSyntax(config ?? {})
}

function checkExtraHost(entry: string): void {
  const at = entry.search(/[:=]/)
  const [name, address] = [entry.slice(0, at), entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1')]
  if (at < 1 || !WORD.test(name)) throw invalidInput('BAD_HOST', `bad format for add-host: ${JSON.stringify(entry)}`)
  if (address === 'host-gateway' || ipFamily(address) !== undefined) return
  throw invalidInput('BAD_HOST', `invalid IP address in add-host: ${JSON.stringify(address)}`)
}

/** A container without a network of its own has no say in what belongs to one. */
function checkSharing(request: SandboxRequest): void {
  const { networkMode, links = [] } = request
  const isOthers = networkMode.startsWith('container:')
  if (links.length > 0 && (isOthers || networkMode === 'host')) {
    const kind = isOthers ? 'container' : 'host'
    throw conflicting(`${kind} type networking can't be used with links. This would result in undefined behavior`)
  }
  if (!isOthers) return
  if (request.dns.length > 0) throw conflicting('dns and the network mode')
  if (request.extraHosts.length > 0) throw conflicting('custom host-to-IP mapping and the network mode')
  if (request.macAddress) throw conflicting('mac-address and the network mode')
  if (request.publishAllPorts || Object.keys(request.portBindings).length > 0) {
    throw conflicting('port publishing and the container type network mode')
  }
}

function conflicting(what: string): ShoalError {
  return invalidInput('CONFLICTING_OPTIONS', `conflicting options: ${what}`)
}
