import type { ContainerConfig } from '../../../docker-api/index.ts'
import type { HistoryEntry } from '../contract.ts'
import { badManifest, CONFIG_BYTES_MAX, isDigest, LAYERS_MAX, readObject } from './json.ts'
import type { Platform } from './platform.ts'

/** What an image's config says; the fields we use. */
export interface ImageConfig extends Platform {
  readonly created?: string
  readonly author?: string
  readonly comment?: string
  readonly docker_version?: string
  readonly container?: string
  readonly container_config?: ContainerConfig
  readonly 'os.version'?: string
  readonly config?: ContainerConfig
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] }
  readonly history?: readonly HistoryEntry[]
}

type Check = (value: unknown) => boolean

const isText: Check = value => typeof value === 'string'
const isTexts: Check = value => Array.isArray(value) && value.every(isText)
const isNumber: Check = value => Number.isSafeInteger(value)
const isFlag: Check = value => typeof value === 'boolean'
const isRecord: Check = value => typeof value === 'object' && value !== null && !Array.isArray(value)
const isTextRecord: Check = value => isRecord(value) && Object.values(value as object).every(isText)

/** What each field must be if it is there and not null. Others are kept and mean nothing. */
const CONFIG_FIELDS: Readonly<Record<keyof ContainerConfig, Check>> = {
  Hostname: isText,
  Domainname: isText,
  User: isText,
  AttachStdin: isFlag,
  AttachStdout: isFlag,
  AttachStderr: isFlag,
  ExposedPorts: isRecord,
  Tty: isFlag,
  OpenStdin: isFlag,
  StdinOnce: isFlag,
  Env: isTexts,
  Cmd: isTexts,
  Entrypoint: isTexts,
  Image: isText,
  Volumes: isRecord,
  WorkingDir: isText,
  Labels: isTextRecord,
  StopSignal: isText,
  StopTimeout: isNumber,
  Healthcheck: isRecord,
  Shell: isTexts,
  MacAddress: isText,
  NetworkDisabled: isFlag,
  OnBuild: isTexts,
  ArgsEscaped: isFlag,
}
const HEALTH_FIELDS: Readonly<Record<string, Check>> = {
  Test: isTexts,
  Interval: isNumber,
  Timeout: isNumber,
  StartPeriod: isNumber,
  StartInterval: isNumber,
  Retries: isNumber,
}
const IMAGE_FIELDS: Readonly<Record<string, Check>> = {
  created: isText,
  author: isText,
  comment: isText,
  docker_version: isText,
  container: isText,
  container_config: isRecord,
  variant: isText,
  config: isRecord,
  history: value => Array.isArray(value) && value.every(isRecord),
}
const HISTORY_FIELDS: Readonly<Record<string, Check>> = {
  created: isText,
  created_by: isText,
  comment: isText,
  empty_layer: isFlag,
}

/**
 * Reads an image's config, which comes from whoever made the image: every field that is used later has the type it is
 * used with. Throws BAD_MANIFEST naming the first that has not, and for images of other systems than Linux.
 */
export function parseConfig(bytes: Buffer): ImageConfig {
  if (bytes.length > CONFIG_BYTES_MAX) throw badManifest(`its config has more than ${CONFIG_BYTES_MAX} bytes`)
  const json = readObject(bytes, 'config')
  const diffIds = (json['rootfs'] as Partial<ImageConfig['rootfs']> | undefined | null)?.diff_ids
  if (!Array.isArray(diffIds)) throw badManifest('its config names no layers')
  if (!diffIds.every(isDigest)) throw badManifest('its config names a layer that is no sha256 digest')
  if (diffIds.length > LAYERS_MAX) throw badManifest(`it has ${diffIds.length} layers, and at most ${LAYERS_MAX} stack`)
  checkFields('config', json, IMAGE_FIELDS)
  const config = withoutNulls(json['config'] as object | undefined)
  checkFields('config.config', config, CONFIG_FIELDS)
  checkFields('config.config.Healthcheck', config['Healthcheck'], HEALTH_FIELDS)
  for (const entry of (json['history'] ?? []) as object[]) checkFields('config.history', entry, HISTORY_FIELDS)
  const { os = 'linux', architecture = '' } = json as Partial<Platform>
  if (!isText(os) || !isText(architecture)) throw badManifest('its platform is no text')
  if (os !== 'linux') throw badManifest(`image operating system "${os}" cannot be used on this platform`)
  return { ...(json as object), os, architecture, config } as unknown as ImageConfig
}

/** Throws if config and manifest speak of different layers. */
export function checkLayerCount(config: ImageConfig, manifest: { readonly layers: readonly unknown[] }): void {
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw badManifest(`it has ${manifest.layers.length} layers, but its config names ${config.rootfs.diff_ids.length}`)
  }
}

function checkFields(where: string, value: unknown, checks: Readonly<Record<string, Check>>): void {
  for (const [key, field] of Object.entries(value ?? {})) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined
    if (check !== undefined && field !== null && !check(field)) throw badManifest(`its ${where}.${key} is malformed`)
  }
}

/** A null says nothing: Go writes it for what is empty. Single words stand for lists of one where Docker reads them so. */
function withoutNulls(config: object | undefined): Record<string, unknown> {
  const entries = Object.entries(config ?? {}).filter(([, value]) => value !== null)
  const listed = entries.map(([key, value]) => [
    key,
    ['Cmd', 'Entrypoint', 'Shell'].includes(key) && typeof value === 'string' ? [value] : (value as unknown),
  ])
  return Object.fromEntries(listed) as Record<string, unknown>
}
