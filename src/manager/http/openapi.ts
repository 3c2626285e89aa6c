import type { ApiRoute } from './route.ts'

/** The OpenAPI document of some routes. */
export function openApi(routes: readonly ApiRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return { openapi: '3.1.0', info: { title: 'Shoal', version }, paths }
}

function operationOf(route: ApiRoute): object {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const inQuery = Object.entries(route.query ?? {}).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  }))
  return {
    summary: route.summary,
    parameters: [...inPath, ...inQuery],
    ...(route.body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: route.body } } } }),
    responses: {
      200: { description: 'Done' },
      default: {
        description: 'An error, with a sentence for a person and a stable code',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { message: { type: 'string' }, code: { type: 'string' } },
            },
          },
        },
      },
    },
  }
}
