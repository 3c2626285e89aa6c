import { ShoalError as Base, failed, notFound, type ShoalError, unavailable } from '../../../core/errors.ts'
import { type HttpResponse, readBody } from './http.ts'

/** What was asked of a registry, for its errors. */
export interface Asked {
  /** The image as the user named it. */
  readonly name: string
  readonly host: string
  readonly action: 'pull' | 'push'
  readonly what: 'manifest' | 'blob'
}

/** Reads a registry's refusal and says it in Docker's words, which clients recognise, with what to do. */
export async function registryError(response: HttpResponse, asked: Asked): Promise<ShoalError> {
  const { name, host, action } = asked
  const said = registryWords(await readBody(response).catch(() => Buffer.alloc(0)))
  switch (response.status) {
    case 401:
    case 403:
      return new Base(
        'REGISTRY_DENIED',
        action === 'pull' ? 404 : 403,
        action === 'pull'
          ? `pull access denied for ${name}, repository does not exist or may require 'docker login': ${said || 'denied'}`
          : `push access denied for ${name}: ${said || 'denied'}; log in to ${host} with an account that may push`,
      )
    case 404:
      return asked.what === 'manifest'
        ? notFound(
            'NO_SUCH_IMAGE',
            `manifest for ${name} not found: ${said || 'manifest unknown'}; check the name and tag, or push it to ${host} first`,
          )
        : notFound('NO_SUCH_BLOB', `The registry ${host} has no such blob (${said || 404}): push ${name} again`)
    case 429:
      return unavailable(
        'REGISTRY_BUSY',
        `toomanyrequests: the registry ${host} asks to wait (${said}): try again later`,
      )
    default: {
      const message = `The registry ${host} answers ${response.status} for ${name}${said === '' ? '' : ` (${said})`}`
      return response.status >= 500
        ? unavailable('REGISTRY_BUSY', `${message}: try again later`)
        : failed('REGISTRY_REFUSED', `${message}: check the name and the registry's log`)
    }
  }
}

function registryWords(body: Buffer): string {
  try {
    const { errors } = JSON.parse(body.toString()) as { errors?: readonly { code?: string; message?: string }[] }
    const words = (errors ?? []).map(error => error.message ?? error.code ?? '')
    return [...new Set(words.map(word => printable(word)))].join(', ')
  } catch {
    return ''
  }
}

/** Words of strangers on one line, and not too many of them. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, 300)
}
