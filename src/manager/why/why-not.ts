import { conflict, invalidInput, notFound } from '../../core/errors.ts'
import type { WhyNotAnswer, WhyNotQuestion } from '../../core/model/explanation.ts'
import type { ServiceRecord } from '../../core/model/task.ts'
import type { ContainerCreateRequest } from '../../docker-api/index.ts'
import { aboutNode, explainContainer, explainTask, filtersOf, requestOf } from '../../scheduler/index.ts'
import { toContainerRequest } from '../docker/create/container-request.ts'
import { refuseTaken } from '../docker/create/create-container.ts'
import { splitExpressions } from '../docker/create/expressions.ts'
import { seeVolumes } from '../docker/create/see-volumes.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { WhyPorts } from './why.ts'

/**
 * What would come of one more task of a service, or of a container of an image: a dry run. Throws 400 BAD_CONSTRAINT, 404
 * NO_SUCH_NODE, 409 AMBIGUOUS, NAME_TAKEN.
 */
export async function whyNot(question: WhyNotQuestion, ports: WhyPorts): Promise<WhyNotAnswer> {
  if (question.of === '') throw invalidInput('BAD_QUESTION', 'Cannot say why not: name an image or a service')
  await ports.nodes.inventory.settled()
  const { node } = question
  const answer = await dryRun(question, ports)
  if (node === undefined) return answer
  const explanation = aboutNode(node, answer.explanation)
  if (explanation === undefined) throw notFound('NO_SUCH_NODE', `No such node: ${node}`)
  return { ...answer, explanation }
}

async function dryRun({ of, container, name }: WhyNotQuestion, ports: WhyPorts): Promise<WhyNotAnswer> {
  const { snapshot, state, strategy, filters } = ports
  const service = findService(of, snapshot())
  if (service !== undefined) {
    const explanation = explainTask(requestOf(service.spec, service.id), state.contents().view, strategy)
    return { kind: 'service', of: `${service.project}/${service.spec.name}`, explanation }
  }
  if (name !== undefined) refuseTaken(name, state)
  const { request, written } = splitExpressions({ ...(container as ContainerCreateRequest), Image: of })
  const asked = toContainerRequest(request, written)
  await seeVolumes(asked, ports)
  const explanation = explainContainer(asked, state.contents(), { filters: filtersOf(filters), strategy })
  return { kind: 'image', of, explanation }
}

function findService(reference: string, { services }: Snapshot): ServiceRecord | undefined {
  const all = [...services.values()].map(({ value }) => value)
  const named = all.filter(
    ({ project, spec }) => `${project}/${spec.name}` === reference || `${project}.${spec.name}` === reference,
  )
  const found = named.length > 0 ? named : all.filter(({ spec }) => spec.name === reference)
  if (found.length > 1) {
    const names = found.map(({ project, spec }) => `${project}/${spec.name}`).sort()
    throw conflict('AMBIGUOUS', `Several projects have a service ${reference}: say which with ${names.join(' or ')}`)
  }
  return found[0]
}
