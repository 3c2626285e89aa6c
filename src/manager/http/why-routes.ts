import type { WhyNotQuestion } from '../../core/model/explanation.ts'
import { type WhyPorts, why } from '../why/why.ts'
import { whyNot } from '../why/why-not.ts'
import type { ApiRoute } from './route.ts'
import { whyNotSchema } from './schemas.ts'

/** Explanations of placements. */
export function whyRoutes(ports: WhyPorts): ApiRoute[] {
  return [
    {
      method: 'GET',
      path: '/v1/why/*',
      summary: 'Why a container or a task is on its node, or on none',
      handle: async ({ params }) => ({ json: await why(params['*'] ?? '', ports) }),
    },
    {
      method: 'POST',
      path: '/v1/why-not',
      summary: 'How every node stands to one more task of a service, or container of an image',
      body: whyNotSchema,
      handle: async ({ body }) => ({ json: await whyNot(body as WhyNotQuestion, ports) }),
    },
  ]
}
