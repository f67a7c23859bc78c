import { describe, expect, it } from 'vitest'
import { freeSubnets, parseRoutes, parseSubnet } from './networks.ts'

const cell = '0b7f1f2e-7c1c-4b0e-9d5c-0a1b2c3d4e5f'

describe('subnets of cells', () => {
  it('reads a subnet', () => {
    expect(parseSubnet('10.213.0.0/16')).toEqual({ first: 0x0ad50000, last: 0x0ad5ffff })
    expect(() => parseSubnet('fe80::/64')).toThrow('not an IPv4 subnet')
  })

  it('gives each /28 of the range once, none that is taken', () => {
    const taken = [parseSubnet('10.213.0.0/25'), parseSubnet('192.168.0.0/16')]
    const free = [...freeSubnets('10.213.0.0/24', taken, cell)]
    expect(free.toSorted()).toEqual(
      [128, 144, 160, 176, 192, 208, 224, 240].map((last) => `10.213.0.${last}/28`).toSorted(),
    )
  })

  it('gives wider ones as well', () => {
    const free = [...freeSubnets('10.213.0.0/24', [parseSubnet('10.213.0.64/28')], cell, 26)]
    expect(free.toSorted()).toEqual(['10.213.0.0/26', '10.213.0.128/26', '10.213.0.192/26'])
  })

  it('gives nothing when a wider network covers the range', () => {
    expect([...freeSubnets('10.213.0.0/24', [parseSubnet('10.0.0.0/8')], cell)]).toEqual([])
  })

  it('reads routes of the host, without the default route', () => {
    const table = [
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
      'eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0',
      'eth0\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    ].join('\n')
    expect(parseRoutes(table)).toEqual([{ first: 0x0ad50000, last: 0x0ad5ffff }])
  })
})
