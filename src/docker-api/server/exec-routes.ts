import type { Engine } from '../engine.ts'
import { terminalSize } from './container-routes.ts'
import { answerAttached } from './conversation.ts'
import { readExecRequest, readExecStart } from './create-request.ts'
import type { HttpApp } from './http-app.ts'
import { Query, readJson } from './request.ts'

type ById = { readonly Params: { readonly id: string } }

export function execRoutes(app: HttpApp, { exec }: Engine): void {
  app.post<ById>('/containers/:id/exec', async ({ params, raw }, reply) => {
    return reply.code(201).send(await exec.create(params.id, readExecRequest(await readJson(raw))))
  })
  app.get<ById>('/exec/:id/json', ({ params }) => exec.inspect(params.id))
  app.post<ById>('/exec/:id/resize', async ({ params, url }, reply) => {
    await exec.resize(params.id, terminalSize(new Query(url)))
    return reply.code(200).send()
  })
  app.post<ById>('/exec/:id/start', async ({ params, raw }, reply) => {
    const attached = await exec.start(params.id, await readExecStart(raw))
    if (attached === undefined) return reply.code(200).send()
    answerAttached(attached, raw, reply)
  })
}
