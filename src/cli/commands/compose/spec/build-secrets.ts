import { readFile } from 'node:fs/promises'
import { asList, asTree, type Project, type Tree } from '../../../../compose/index.ts'
import { errorMessage, failed } from '../../../../core/errors.ts'

/** A builder takes them in a header. */
const BYTES_MAX = 8 * 1_024

/**
 * The secrets of a service's `build`, by the id that its Dockerfile names them by: base64. Read here, where the files are.
 * Throws BUILD_SECRET for one that cannot be read, or is too large.
 */
export async function buildSecrets(
  build: Tree,
  { model, variables }: Pick<Project, 'model' | 'variables'>,
): Promise<Readonly<Record<string, string>>> {
  const grants = asList(build['secrets']).map(asTree)
  const secrets = asTree(model['secrets'])
  const entries = await Promise.all(
    grants.map(async ({ source, target }) => {
      const name = String(source)
      const content = await contentOf(name, asTree(secrets[name]), variables)
      if (content.length > BYTES_MAX) throw refusal(name, `it is larger than ${BYTES_MAX} bytes`)
      return [typeof target === 'string' && target !== '' ? target : name, content.toString('base64')] as const
    }),
  )
  return Object.fromEntries(entries)
}

async function contentOf(name: string, { file, environment }: Tree, variables: Project['variables']): Promise<Buffer> {
  if (typeof environment === 'string') {
    const value = variables.get(environment)
    if (value === undefined) throw refusal(name, `the variable ${environment} is not set`)
    return Buffer.from(value)
  }
  if (typeof file !== 'string') throw refusal(name, 'name a file or a variable of the environment')
  try {
    return await readFile(file)
  } catch (error) {
    throw refusal(name, errorMessage(error))
  }
}

function refusal(name: string, why: string): Error {
  return failed('BUILD_SECRET', `Cannot give the secret ${name} to the build: ${why}`)
}
