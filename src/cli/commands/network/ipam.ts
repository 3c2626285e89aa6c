import { parseCidr } from '../../../core/cidr.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { Options } from '../../command.ts'
import { pairs } from '../container/create/read-values.ts'

interface Pool {
  Subnet: string
  IPRange?: string
  Gateway?: string
  AuxiliaryAddresses?: Record<string, string>
}

/** `--subnet`, and the ranges, gateways and auxiliary addresses that lie in each. Throws BAD_FLAG. */
export function ipamOf(options: Options): object {
  const ownless = [...options.list('ipRange'), ...options.list('gateway')]
  if (ownless.length > 0 && options.list('subnet').length === 0) {
    throw invalidInput('BAD_FLAG', 'every ip-range or gateway must have a corresponding subnet')
  }
  const pools: Pool[] = options.list('subnet').map(Subnet => ({ Subnet }))
  const poolOf = (address: string, what: string): Pool => {
    const found = pools.find(({ Subnet }) => contains(Subnet, address.replace(/\/\d+$/, '')))
    if (found === undefined) throw invalidInput('BAD_FLAG', `no matching subnet for ${what} ${address}`)
    return found
  }
  for (const range of options.list('ipRange')) poolOf(range, 'range').IPRange = range
  for (const gateway of options.list('gateway')) poolOf(gateway, 'gateway').Gateway = gateway
  for (const [name, address] of Object.entries(pairs(options.list('auxAddress')))) {
    const pool = poolOf(address, 'aux-address')
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address }
  }
  return { Driver: options.text('ipamDriver') ?? 'default', Options: pairs(options.list('ipamOpt')), Config: pools }
}

/** IPv6 subnets are told apart by the engine: here only the kind has to match. */
function contains(subnet: string, address: string): boolean {
  if (subnet.includes(':') || address.includes(':')) return subnet.includes(':') === address.includes(':')
  const [base = '', bits = '32'] = subnet.split('/')
  parseCidr(subnet)
  const mask = Number(bits) === 0 ? 0 : (~0 << (32 - Number(bits))) >>> 0
  return (numberOf(base) & mask) >>> 0 === (numberOf(address) & mask) >>> 0
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => (sum * 256 + Number(part)) >>> 0, 0)
}
