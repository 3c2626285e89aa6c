import { invalidInput } from '../../../core/errors.ts'
import { ipFamily } from '../../../core/ip.ts'
import type { SandboxRequest } from '../../ports.ts'
import { checkEndpointSyntax } from './plan-sandbox.ts'

const WORD = /^[^\s\0]+$/

/** Throws 400 for what no network could give, in dockerd's words where it has some. Nothing is looked up. */
export function checkRequest(request: SandboxRequest): void {
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
