import { EXIT_CODES } from '../../../core/errors.ts'
import type { Explanation, WhyAnswer, WhyNotAnswer, WhyNotQuestion } from '../../../core/model/explanation.ts'
import type { CommandContext, Invocation } from '../../command.ts'
import { renderListing } from '../../output/format.ts'
import { withManager } from './node-api.ts'
import { scoreTable, VERDICTS, verdictTable } from './verdict-table.ts'

/** `swarm why`: the decision as it was recorded, and how the nodes would stand to it now. */
export async function runWhy(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const [reference = ''] = args
  const path = `/v1/why/${reference.split('/').map(encodeURIComponent).join('/')}`
  const answer = (await withManager(invocation, context, api => api.call('GET', path))) as WhyAnswer
  const format = options.text('format')
  const text = format === undefined || format === 'table' ? whyText(answer) : shown(answer, answer.now, format)
  context.stdout.write(text)
  return EXIT_CODES.done
}

/** `swarm why-not`: a dry run. Exit code 3 if no node, or not the one that is asked about, will do. */
export async function runWhyNot(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options } = invocation
  const { createRequest } = await import('../container/create/create-request.ts')
  const node = options.text('node')
  const container = createRequest(invocation, context)
  const name = options.text('name')
  const question: WhyNotQuestion = {
    of: args[0] ?? '',
    container,
    ...(name === undefined ? {} : { name }),
    ...(node === undefined ? {} : { node }),
  }
  const answer = (await withManager(invocation, context, api =>
    api.call('POST', '/v1/why-not', question),
  )) as WhyNotAnswer
  const { explanation } = answer
  const format = options.text('format')
  const isTable = format === undefined || format === 'table'
  context.stdout.write(isTable ? whyNotText(answer) : shown(answer, explanation, format))
  return explanation.nodes.some(({ obstacles }) => obstacles.length === 0) ? EXIT_CODES.done : EXIT_CODES.refused
}

function shown(answer: object, { nodes }: Explanation, format: string): string {
  if (format === 'json') return `${JSON.stringify(answer, undefined, 2)}\n`
  return renderListing(nodes, VERDICTS, { format })
}

function whyText({ kind, name, image, node, record, because, pendingReasons = [], now }: WhyAnswer): string {
  const where = node === undefined ? 'waits for a node' : `is on ${node}`
  const lines = [`${kind} ${name} (${image}) ${where}`]
  if (because !== undefined) lines.push(`because ${because}`)
  lines.push(...pendingReasons.map(reason => `because ${reason}`))
  if (because === undefined && node !== undefined)
    lines.push('It was not placed by this cluster, or before decisions were recorded.')
  if (record !== undefined) {
    const when = record.decidedAtMs === undefined ? '' : `, at ${new Date(record.decidedAtMs).toISOString()}`
    lines.push('', `As it was decided${when}:`, scoreTable([record, ...record.others]))
  }
  lines.push(record === undefined ? '' : 'If it were placed now:', explained(now))
  return `${lines.join('\n').trimEnd()}\n`
}

function whyNotText({ kind, of, explanation }: WhyNotAnswer): string {
  const what = kind === 'service' ? `One more task of service ${of}` : imageText(of)
  const { chosen, wishesDropped } = explanation
  const outcome = chosen === undefined ? 'fits on no node' : `would go to ${chosen}`
  const dropped = wishesDropped ? ['No node grants all wishes, so none of them counts.'] : []
  return `${[`${what} ${outcome}.`, ...dropped, explained(explanation)].join('\n').trimEnd()}\n`
}

/** A bare name may have been meant for a service. */
function imageText(of: string): string {
  return `A container of image ${of}${/[:/@]/.test(of) ? '' : ' (no service has that name)'}`
}

function explained(explanation: Explanation): string {
  const { smallestChange, nodes } = explanation
  if (nodes.length === 0) return 'The cluster has no nodes: add one with swarm join.'
  const change =
    smallestChange === undefined
      ? ''
      : `\nSmallest change, on ${smallestChange.node}: ${smallestChange.text.join('; ')}\n`
  return `${verdictTable(explanation)}${change}`
}
