import { once } from 'node:events'
import { createServer } from 'node:net'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { closeHostTo, reopenHostTo } from '../../agent/containers/firewall.ts'

const range = '10.240.0.0/24'
const gateway = '10.240.0.1'
const image = '127.0.0.1:5000/fairway/postgres:18'
const docker = new Docker()
const listener = createServer((socket) => socket.end('hello\n'))
let network: Docker.Network
let container: Docker.Container

beforeAll(async () => {
  listener.listen(0, '0.0.0.0')
  await once(listener, 'listening')
  network = await docker.createNetwork({
    Name: `fairway-firewall-test-${process.pid}`,
    Internal: true,
    IPAM: { Driver: 'default', Config: [{ Subnet: range }] },
  })
  container = await docker.createContainer({
    Image: image,
    Entrypoint: ['sleep', '120'],
    HostConfig: { NetworkMode: network.id, Init: true },
  })
  await container.start()
})

afterAll(async () => {
  await reopenHostTo(range)
  await container?.remove({ force: true })
  await network?.remove()
  listener.close()
})

/** Exit code of an attempt, from inside the network, to talk to what the host listens on at the bridge's address. */
async function reachHost(): Promise<number> {
  const { port } = listener.address() as { port: number }
  const exec = await container.exec({
    AttachStdout: true,
    AttachStderr: true,
    Cmd: ['timeout', '3', 'bash', '-c', `read -r line </dev/tcp/${gateway}/${port}`],
  })
  const stream = await exec.start({})
  stream.resume()
  await once(stream, 'end')
  return (await exec.inspect()).ExitCode ?? -1
}

it('keeps what runs in an environment from reaching the host', async () => {
  expect(await reachHost(), 'without the rule Docker lets it through').toBe(0)
  await closeHostTo(range)
  await closeHostTo(range)
  expect(await reachHost()).toBe(124)
  await reopenHostTo(range)
  expect(await reachHost(), 'one rule, not two').toBe(0)
})

it('keeps what has a way out from reaching an environment while Docker changes its rules', async () => {
  const { IPAddress: address } = Object.values((await container.inspect()).NetworkSettings.Networks)[0]!
  const outsider = await docker.createContainer({
    Image: image,
    Cmd: ['bash', '-c', `while :; do timeout 0.02 bash -c '</dev/tcp/${address}/1' 2>&1; done`],
    Entrypoint: [],
    HostConfig: { Init: true },
  })
  // Refused by nobody listening is an answer: the packets got there and back.
  const answered = async () => (await outsider.logs({ stdout: true, stderr: true })).includes('refused')
  const makeNetworks = async () => {
    for (let index = 1; index <= 10; index++) {
      const subnet = `10.240.${index}.0/28`
      const made = await docker.createNetwork({
        Name: `fairway-firewall-test-${process.pid}-${index}`,
        Internal: true,
        IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
      })
      await made.remove()
    }
  }
  await closeHostTo(range)
  try {
    await outsider.start()
    await makeNetworks()
    expect(await answered()).toBe(false)
    await reopenHostTo(range)
    await vi.waitFor(
      async () => {
        await makeNetworks()
        expect(await answered(), 'without the rules Docker lets it through').toBe(true)
      },
      { timeout: 60_000, interval: 0 },
    )
  } finally {
    await outsider.remove({ force: true })
  }
}, 90_000)
