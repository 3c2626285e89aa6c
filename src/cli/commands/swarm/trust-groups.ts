import type { CommandGroup, CommandLeaf, OptionDefinition } from '../../command.ts'
import { MANAGER_OPTIONS } from '../../manager/manager-address.ts'

/** Commands about the cluster's certificates; all of them ask a manager. */

const PARTS = () => import('./trust.ts')
const CERTIFICATES = () => import('./certificates.ts')
const FORMAT: readonly OptionDefinition[] = [
  { flags: '--format <format>', summary: 'table, json or a template' },
  { flags: '-q, --quiet', summary: 'names or ids only' },
]
const TOKEN_WISHES: readonly OptionDefinition[] = [
  { flags: '--expires <duration>', summary: 'how long it can be used (default: 24h)' },
  { flags: '--once', summary: 'for one host only' },
]

const DRY_RUN: OptionDefinition = { flags: '--dry-run', summary: 'only say what would be done' }

function group(name: string, summary: string, commands: readonly CommandLeaf[]): CommandGroup {
  const all = commands.map(command => ({ ...command, options: [...MANAGER_OPTIONS, ...(command.options ?? [])] }))
  return { name, summary, options: MANAGER_OPTIONS, commands: all }
}

export const tokenGroup = group('token', 'Join tokens: what a host needs to become a member', [
  {
    name: 'create',
    summary: 'Make a join token; it is printed once',
    options: [{ flags: '--role <role>', summary: 'node, manager or client (default: node)' }, ...TOKEN_WISHES, DRY_RUN],
    load: async () => (await PARTS()).runTokenCreate,
  },
  {
    name: 'ls',
    aliases: ['list'],
    summary: 'List the join tokens that can be used, without their secrets',
    options: FORMAT,
    load: async () => (await PARTS()).runTokenList,
  },
  {
    name: 'rm',
    aliases: ['remove'],
    summary: 'End join tokens',
    args: '<id...>',
    options: [DRY_RUN],
    load: async () => (await PARTS()).runTokenRemove,
  },
  {
    name: 'rotate',
    summary: 'End all join tokens of a role, and make one',
    args: '<role>',
    options: [...TOKEN_WISHES, DRY_RUN],
    load: async () => (await PARTS()).runTokenRotate,
  },
])

export const certificateGroup = group('cert', 'Certificates of managers, nodes and people', [
  {
    name: 'ls',
    aliases: ['list'],
    summary: 'List who has a certificate',
    options: FORMAT,
    load: async () => (await CERTIFICATES()).runCertificateList,
  },
  {
    name: 'revoke',
    summary: 'Let nobody in with the certificates of these names any more',
    args: '<name...>',
    options: [
      { flags: '--timeout <duration>', summary: 'how long to wait until managers and store have acted (default: 30s)' },
      DRY_RUN,
    ],
    load: async () => (await CERTIFICATES()).runCertificateRevoke,
  },
  {
    name: 'renew',
    summary: 'Have managers and nodes make another key, and get a certificate for it',
    args: '<name...>',
    options: [
      { flags: '--revoke-old', summary: 'let nobody in with what they had before any more' },
      { flags: '--timeout <duration>', summary: 'how long to wait until they show it (default: 1m)' },
      DRY_RUN,
    ],
    footer: 'Containers go on. Who is away does it when it is back.',
    load: async () => (await CERTIFICATES()).runCertificateRenew,
  },
])

export const authorityGroup = group('ca', "The cluster's certificate authority", [
  {
    name: 'show',
    summary: 'Print the certificates of the authorities that are trusted',
    options: [{ flags: '--format <format>', summary: 'json: with how far a change of the authority is' }],
    load: async () => (await PARTS()).runAuthorityShow,
  },
  {
    name: 'rotate',
    summary: 'Change the authority while the cluster runs',
    options: [
      { flags: '-f, --force', summary: 'go on with a change that waits for members who are away' },
      { flags: '--wait', summary: 'until it is done; the certificate this is asked with is renewed' },
      { flags: '--timeout <duration>', summary: 'how long to wait (default: 5m)' },
      DRY_RUN,
    ],
    load: async () => (await PARTS()).runAuthorityRotate,
  },
])
