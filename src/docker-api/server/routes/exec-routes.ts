import { spokenVersion } from '../../api-version.ts'
import type { Engine } from '../../engine.ts'
import type { HttpApp } from '../http-app.ts'
import { Query, readJson } from '../request.ts'
import { answerPlainly } from '../streams/take-over.ts'
import { terminalSize } from './container-routes.ts'
import { readExecRequest } from './create-request.ts'
import { readExecStart, startExec } from './start-exec.ts'

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
  app.post<ById>('/exec/:id/start', async ({ params, raw, originalUrl }, reply) => {
    const attached = await startExec(exec, params.id, await readExecStart(raw, spokenVersion(originalUrl)))
    if (attached === undefined) return reply.code(200).send()
    answerPlainly(attached, raw, reply)
  })
}
