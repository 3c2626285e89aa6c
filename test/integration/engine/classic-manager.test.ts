import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ContainerInspect, SystemInfo } from '../../../src/docker-api/index.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type EngineHttp, talkTo } from '../../support/engine-http.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'

/**
 * What a classic Swarm manager (cluster/engine.go, api/handlers.go) asks of the engines that it manages, in the words of the API versions that
 * it negotiates: 1.22, the oldest it takes, and 1.40, its own. The order matters.
 */

let engine: ShoalEngine
let http: EngineHttp
let id = ''

beforeAll(async () => {
  engine = await startShoalEngine(['--label', 'rack=left'])
  http = talkTo(engine.host.replace('unix://', ''))
  expect((await http.call('POST', '/v1.40/images/load?quiet=1', await busyboxArchive())).status).toBe(200)
})
afterAll(async () => {
  http?.close()
  await engine?.stop()
})

async function json<T>(method: string, path: string, body?: object): Promise<T> {
  const answer = await http.call(method, path, body === undefined ? undefined : JSON.stringify(body))
  expect(`${method} ${path}: ${answer.status}${answer.status < 400 ? '' : answer.body.toString()}`).toMatch(/: 20[01]$/)
  return JSON.parse(answer.body.toString()) as T
}

async function done(method: string, path: string, body?: object): Promise<void> {
  const answer = await http.call(method, path, body === undefined ? undefined : JSON.stringify(body))
  expect(`${method} ${path}: ${answer.status}${answer.status < 400 ? '' : answer.body.toString()}`).toMatch(/: 20\d$/)
}

describe.each(['1.22', '1.40'])('a classic Swarm manager that speaks API %s', version => {
  const v = `/v${version}`
  const name = `job-${version}`

  it('takes the engine for a node', async () => {
    expect((await http.call('GET', '/_ping')).body.toString()).toBe('OK')
    const info = await json<SystemInfo>('GET', `${v}/info`)
    expect(info).toMatchObject({ Name: 'solo', OSType: 'linux', Driver: 'overlay2', Labels: ['rack=left'] })
    for (const number of [info.NCPU, info.MemTotal]) expect(number).toBeGreaterThan(0)
    for (const text of [info.ID, info.KernelVersion, info.OperatingSystem, info.ServerVersion])
      expect(text).not.toBe('')
    // What it would refuse as a manager.
    expect(info.SystemStatus ?? []).toEqual([])
    expect(await json('GET', '/version')).toMatchObject({ ApiVersion: expect.stringMatching(/^1\.(4|5)\d$/) })
  })

  it('follows its events, and reads everything that is on it', async () => {
    const events = await http.open('GET', `${v}/events?filters=%7B%7D`)
    const told: string[] = []
    events.setEncoding('utf8').on('data', (text: string) => told.push(text))
    events.on('error', () => {})
    expect(await json('GET', `${v}/containers/json?all=1&limit=0&size=0&filters=%7B%7D`)).toEqual([])
    const images = await json<{ Id: string; RepoTags: string[] }[]>('GET', `${v}/images/json?all=1`)
    expect(images).toMatchObject([{ Id: expect.stringMatching(/^sha256:/), RepoTags: ['busybox:test'] }])
    expect(await json('GET', `${v}/volumes?filters=%7B%7D`)).toMatchObject({ Volumes: [] })
    const networks = await json<{ Name: string; Scope: string }[]>('GET', `${v}/networks?filters=%7B%7D`)
    expect(networks.map(network => network.Name).toSorted()).toEqual(['bridge', 'host', 'none'])
    const labels = {
      'com.docker.swarm.id': 'f'.repeat(64),
      'com.docker.swarm.constraints': '["rack==left"]',
      'com.docker.swarm.affinities': '["container!=other"]',
      'com.docker.swarm.reschedule-policies': '["on-node-failure"]',
    }
    const body = {
      Hostname: '',
      Cmd: ['sleep', '1000'],
      Image: 'busybox:test',
      Env: ['A=1'],
      ExposedPorts: {},
      Labels: labels,
      HostConfig: { CpuShares: 512, Memory: 16 << 20, NetworkMode: 'default', RestartPolicy: { Name: '' } },
      NetworkingConfig: { EndpointsConfig: {} },
    }
    id = (await json<{ Id: string }>('POST', `${v}/containers/create?name=${name}`, body)).Id
    await done('POST', `${v}/containers/${id}/start`)
    expect(
      await json('GET', `${v}/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify({ id: [id] }))}`),
    ).toMatchObject([{ Id: id, Names: [`/${name}`], Labels: labels }])
    const inspect = await json<ContainerInspect>('GET', `${v}/containers/${id}/json`)
    // It reads what is reserved back from here.
    expect(inspect.HostConfig).toMatchObject({ CpuShares: 512, Memory: 16 << 20 })
    expect(inspect.Config.Labels).toMatchObject(labels)
    await expect.poll(() => told.join(''), { timeout: 30_000 }).toMatch(/"status":"create".*\n.*"status":"start"/s)
    events.destroy()
  })

  it('is told when an image is missing, and pulls it', async () => {
    const missing = await http.call(
      'POST',
      `${v}/containers/create?name=none`,
      '{"Image":"nowhere.invalid/app:1","Cmd":["x"]}',
    )
    expect([missing.status, missing.body.toString()]).toEqual([404, expect.stringMatching(/No such image/)])
    const pull = await http.call('POST', `${v}/images/create?fromImage=nowhere.invalid%2Fapp&tag=1`)
    expect(`${pull.status} ${pull.body.toString()}`).toMatch(/^(404|500) |"errorDetail"/)
  })

  it('hands on what is asked of a container', async () => {
    for (const verb of [
      'pause',
      'unpause',
      'stop?t=0',
      'start',
      'restart?t=0',
      'kill?signal=SIGCONT',
      'resize?h=10&w=20',
    ]) {
      await done('POST', `${v}/containers/${id}/${verb}`)
    }
    await json('POST', `${v}/containers/${id}/update`, { CpuShares: 256 })
    expect(await json('GET', `${v}/containers/${id}/top`)).toMatchObject({ Processes: [expect.anything()] })
    expect(await json('GET', `${v}/containers/${id}/stats?stream=0`)).toHaveProperty('memory_stats')
    await done('GET', `${v}/containers/${id}/logs?stdout=1&stderr=1&tail=all`)
    await done('GET', `${v}/containers/${id}/changes`)
    await done('HEAD', `${v}/containers/${id}/archive?path=/bin`)
    const { Id } = await json<{ Id: string }>('POST', `${v}/containers/${id}/exec`, {
      Cmd: ['true'],
      AttachStdout: true,
    })
    await done('POST', `${v}/exec/${Id}/start`, { Detach: true })
    expect(await json('GET', `${v}/exec/${Id}/json`)).toMatchObject({ ContainerID: id })
    await done('POST', `${v}/containers/${id}/rename?name=${name}-old`)
    await json('POST', `${v}/commit?container=${id}&repo=kept&tag=${version}`, {})
    await json('GET', `${v}/images/kept:${version}/history`)
    await done('POST', `${v}/images/kept:${version}/tag?repo=other&tag=1`)
    await json('DELETE', `${v}/images/kept:${version}?force=0&noprune=0`)
    await json('DELETE', `${v}/images/other:1`)
  })

  it('makes networks and volumes, and moves endpoints when another node is lost', async () => {
    const network = `${name}-net`
    await json('POST', `${v}/networks/create`, {
      Name: network,
      CheckDuplicate: true,
      Driver: 'bridge',
      Labels: { a: 'b' },
    })
    await done('POST', `${v}/networks/${network}/connect`, { Container: id, EndpointConfig: { Aliases: ['job'] } })
    expect(await json('GET', `${v}/networks/${network}`)).toMatchObject({
      Name: network,
      Containers: { [id]: expect.anything() },
    })
    await done('POST', `${v}/networks/${network}/disconnect`, { Container: id, Force: true })
    await done('DELETE', `${v}/networks/${network}`)
    await json('POST', `${v}/volumes/create`, { Name: `${name}-data`, Driver: 'local', DriverOpts: {}, Labels: {} })
    expect(await json('GET', `${v}/volumes/${name}-data`)).toMatchObject({ Name: `${name}-data` })
    await done('DELETE', `${v}/volumes/${name}-data`)
  })

  it('removes what runs elsewhere meanwhile', async () => {
    await done('DELETE', `${v}/containers/${id}?force=1&v=1`)
    expect((await http.call('GET', `${v}/containers/${id}/json`)).status).toBe(404)
    expect(await json('GET', `${v}/containers/json?all=1`)).toEqual([])
  })
})
