import { create } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ReleaseEntrySchema } from '../../proto/gen/fairway/v1/releases_pb.js'
import { runCli, startCli } from '../support/cli.ts'
import {
  planSha256,
  runIds,
  sampleApproval,
  sampleEntry,
  sampleLoss,
  samplePlan,
  sampleRehearsal,
  sampleRollback,
} from '../support/release-messages.ts'
import {
  failed,
  planHasChanged,
  type ScriptedReleases,
  startScriptedReleases,
  succeeded,
  waitsForApproval,
} from '../support/scripted-releases.ts'
import { waitFor } from '../support/wait-for.ts'

// What the command line makes of the answers of a server; that the answers are right is tested where they are made.

let server: ScriptedReleases

beforeAll(async () => {
  server = await startScriptedReleases()
})
afterAll(() => server?.close())

const cli = (...words: string[]) => runCli(words, server.env)
const requestOf = (method: string) => server.asked.find(([name]) => name === method)?.[1]
const methods = () => server.asked.map(([method]) => method)

describe('plan', () => {
  test('is 0 with blockers, and one document with --json', async () => {
    server.play({ planRelease: () => ({ plan: samplePlan({ blockers: ['no rehearsal'] }) }) })
    const shown = await cli('release', 'plan', 'acme')
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('blocked: no rehearsal')
    expect(requestOf('planRelease')).toEqual({ project: 'acme', branch: '' })
    const { stdout } = await cli('release', 'plan', 'acme/release/1.0', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      blockers: ['no rehearsal'],
      candidate: { build: 41 },
      sha256: planSha256,
      modules: [{ name: 'acme_sale', versionBefore: '19.0.1.0.2' }, { missingBump: true }],
    })
    expect(server.asked.at(-1)?.[1]).toEqual({ project: 'acme', branch: 'release/1.0' })
  })
})

describe('rehearse', () => {
  test.each([
    ['green', 0],
    ['yellow', 0],
    ['red', 1],
  ])('%s is %d', async (verdict, code) => {
    const run = verdict === 'red' ? failed('the update failed') : succeeded
    server.play({ getRehearsal: () => ({ rehearsal: sampleRehearsal({ verdict }) }) }, run)
    const ended = await cli('release', 'rehearse', 'acme', 'release/1.0')
    expect(ended.code).toBe(code)
    expect(ended.stdout).toContain(`${verdict}: production would be away for about 15 s`)
    const json = await cli('release', 'rehearse', 'acme', '--json')
    expect(json.code).toBe(code)
    expect(JSON.parse(json.stdout)).toMatchObject({ rehearsal: { verdict, downtimeMs: 14_200 } })
  })

  test('one that measured nothing is 1, with the reason', async () => {
    server.play({ getRehearsal: () => ({}) }, failed('there is no room for a clone'))
    const { code, stderr } = await cli('release', 'rehearse', 'acme')
    expect(code).toBe(1)
    expect(stderr).toContain('there is no room for a clone')
  })
})

describe('rehearsal', () => {
  test.each([
    [['acme', 'release/1.0'], { project: 'acme', branch: 'release/1.0', runId: '' }],
    [[runIds.rehearsal], { project: '', branch: '', runId: runIds.rehearsal }],
    [['0193c2f4'], { project: '', branch: '', runId: '0193c2f4' }],
  ])('%j is shown again', async (words, request) => {
    server.play({ getRehearsal: () => ({ rehearsal: sampleRehearsal() }) })
    const { code, stdout } = await cli('release', 'rehearsal', ...words)
    expect(code).toBe(0)
    expect(stdout).toContain('green: production would be away for about 15 s')
    expect(requestOf('getRehearsal')).toEqual(request)
    const json = await cli('release', 'rehearsal', ...words, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'green', updateMs: 9_400 })
  })

  test('where there is none it says how to make one', async () => {
    server.play({ getRehearsal: () => ({}) })
    const { code, stderr } = await cli('release', 'rehearsal', 'acme')
    expect(code).toBe(3)
    expect(stderr).toContain('fairway release rehearse acme')
  })
})

describe('request', () => {
  test('asks for what was shown, and says what comes next', async () => {
    server.play({ requestRelease: () => ({ approval: sampleApproval() }) })
    const { code, stdout, stderr } = await cli('release', 'request', 'acme', '--note', 'ticket 812')
    expect(code).toBe(0)
    expect(requestOf('requestRelease')).toEqual({
      project: 'acme',
      branch: 'release/1.0',
      note: 'ticket 812',
      planSha256,
    })
    expect(stdout).toContain('Approval 1f0c2a9e is open; it is good until 2026-11-29 11:00 UTC.')
    expect(stderr).toContain('fairway approval approve 1f0c2a9e')
    expect(stderr).toContain('fairway release promote acme release/1.0')
  })

  test('points to a promotion of the same that is under way', async () => {
    const approval = sampleApproval({ runId: runIds.promotion })
    server.play({ requestRelease: () => ({ approval, runId: runIds.promotion }) })
    const { stdout, stderr } = await cli('release', 'request', 'acme')
    expect(stdout).toContain(
      `A promotion of exactly this is under way (run ${runIds.promotion}): nothing new is asked for. ` +
        'Its approval 1f0c2a9e is open.',
    )
    expect(stderr).toContain(`Follow it: fairway run watch ${runIds.promotion}`)
    server.play({ requestRelease: () => ({ runId: runIds.promotion }) })
    expect((await cli('release', 'request', 'acme')).stdout).toContain('It asks for its approval by itself.')
  })

  test('says so where the policy asks for none', async () => {
    server.play({ requestRelease: () => ({}) })
    expect((await cli('release', 'request', 'acme')).stdout).toContain('asks for no approval')
    const { stdout } = await cli('release', 'request', 'acme', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ approval: null, plan: { sha256: planSha256 } })
  })
})

describe('promote', () => {
  test('takes the plan that was seen, waits for the approval and says how it is given', async () => {
    server.play({}, waitsForApproval, waitsForApproval, succeeded)
    const { code, stdout, stderr } = await cli('release', 'promote', 'acme', '--yes')
    expect(code).toBe(0)
    expect(requestOf('promoteRelease')).toEqual({ project: 'acme', branch: 'release/1.0', planSha256 })
    expect(stderr.match(/fairway approval approve 1f0c2a9e/g)).toHaveLength(1)
    expect(stdout).toContain('green: production serves build 41 (image 3f1c2a9e77b0), and was away for 14 s')
    expect(stderr).toContain(`fairway evidence show ${runIds.promotion}`)
  })

  test('says that it follows the one that there is', async () => {
    server.play({ promoteRelease: () => ({ runId: runIds.promotion, attached: true }) }, succeeded)
    const said = `The same is under way already, as run ${runIds.promotion}: nothing new is begun.`
    expect((await cli('release', 'promote', 'acme', '--yes')).stderr).toContain(said)
    const { stdout } = await cli('release', 'promote', 'acme', '--yes', '--no-wait', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ attached: true })
    server.play({}, succeeded)
    expect((await cli('release', 'promote', 'acme', '--yes')).stderr).not.toContain('already')
  })

  test('is 1 when it ended red, and says what was put back', async () => {
    server.play(
      { listReleases: () => ({ releases: [sampleEntry({ putBack: true })] }) },
      failed('the update failed'),
    )
    const { code, stdout } = await cli('release', 'promote', 'acme', '--yes')
    expect(code).toBe(1)
    expect(stdout).toContain('red: the update failed\nCode and data were put back')
    const json = await cli('release', 'promote', 'acme', '--yes', '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      plan: { sha256: planSha256 },
      run: { result: 'red' },
      release: { putBack: true },
    })
  })

  test('starts nothing while something is in the way', async () => {
    server.play({
      planRelease: () => ({ plan: samplePlan({ blockers: ['a\u001b[2J freeze', 'no clone'] }) }),
    })
    const { code, stderr } = await cli('release', 'promote', 'acme', '--yes')
    expect(code).toBe(5)
    expect(stderr).toBe('fairway: Nothing was promoted: a freeze; no clone.\n')
    expect(methods()).toEqual(['planRelease'])
  })

  test.each([
    ['promote', { promoteRelease: planHasChanged }],
    ['request', { requestRelease: planHasChanged }],
  ])('a plan that changed meanwhile is looked at again: %s', async (verb, answers) => {
    server.play(answers)
    const { code, stderr } = await cli('release', verb, 'acme', ...(verb === 'promote' ? ['--yes'] : []))
    expect(code).toBe(5)
    expect(stderr).toContain('The plan has changed since you saw it; nothing was done.')
    expect(stderr).toContain('Look again: fairway release plan acme release/1.0')
  })

  test('goes on without whoever presses Ctrl-C, or whose patience ends', async () => {
    server.play({}, waitsForApproval)
    const running = startCli(['release', 'promote', 'acme', '--yes'], server.env)
    await waitFor('the note', () => running.stderr().includes('approval approve'))
    running.kill('SIGINT')
    const { code, stderr } = await running.end
    expect(code).toBe(130)
    expect(stderr).toContain(`It goes on without you: fairway run watch ${runIds.promotion}`)
    expect((await cli('release', 'promote', 'acme', '--yes', '--timeout', '1ms')).code).toBe(7)
  })

  test('returns at once with --no-wait', async () => {
    server.play({})
    const { code, stdout } = await cli('release', 'promote', 'acme', '--yes', '--no-wait', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ runId: runIds.promotion, plan: { sha256: planSha256 } })
    expect((await cli('release', 'promote', 'acme', '--no-wait', '--watch')).code).toBe(2)
  })
})

describe('history', () => {
  test('lists what the server has, or says that there is nothing', async () => {
    server.play({ listReleases: () => ({ releases: [sampleEntry(), create(ReleaseEntrySchema)] }) })
    const { stdout } = await cli('release', 'history', 'acme', '--limit', '2')
    expect(stdout).toContain('ana@example.com (bo@example.com)')
    expect(requestOf('listReleases')).toEqual({ project: 'acme', limit: 2 })
    const json = JSON.parse((await cli('release', 'history', 'acme', '--json')).stdout) as unknown[]
    expect(json).toHaveLength(2)
    server.play({ listReleases: () => ({}) })
    expect((await cli('release', 'history', 'acme')).stderr).toContain('Nothing went to production yet')
    expect((await cli('release', 'history', 'acme', '--limit', '0')).code).toBe(2)
  })
})

describe('rollback', () => {
  const planned = (more: Parameters<typeof sampleRollback>[0] = {}) => ({
    planRollback: () => ({ plan: sampleRollback(more) }),
  })

  test('goes back to the build that is named, without data', async () => {
    server.play(planned(), succeeded)
    const { code, stdout } = await cli('rollback', 'acme', '--to', '38', '--yes')
    expect(code).toBe(0)
    expect(stdout).toContain('goes back to build 38, commit 91be7a4410; its data stay')
    expect(methods()).toEqual(['planRollback', 'startRollback', 'listReleases'])
    expect(requestOf('startRollback')).toEqual({
      project: 'acme',
      toBuild: 38,
      withData: false,
      force: false,
      planSha256,
    })
    expect((await cli('rollback', 'acme', '--to', 'release/1.0')).code).toBe(2)
  })

  test('with data it counts what is lost, before anything happens', async () => {
    server.play(
      { ...planned({ withData: true }), getRollbackLoss: () => ({ loss: sampleLoss() }) },
      succeeded,
    )
    const { code, stdout } = await cli('rollback', 'acme', '--with-data', '--yes')
    expect(code).toBe(0)
    expect(stdout).toMatch(/1,204 rows written in the .* would be lost: sale_order 312, stock_move 892\./)
    expect(methods()).toEqual([
      'planRollback',
      'countRollbackLoss',
      'getRollbackLoss',
      'startRollback',
      'listReleases',
    ])
    const json = JSON.parse(
      (await cli('rollback', 'acme', '--with-data', '--yes', '--json')).stdout,
    ) as object
    expect(json).toMatchObject({ loss: { changedRows: 1_204 }, release: { build: 41 } })
  })

  test('a production that can’t be counted can be rolled back all the same', async () => {
    server.play(planned({ withData: true }), failed('the database is down'), succeeded)
    const { code, stderr } = await cli('rollback', 'acme', '--with-data', '--yes')
    expect(stderr).toContain('could not be counted: the database is down. All of it would be lost.')
    expect(code).toBe(0)
  })

  test('a refusal is the end, unless forced', async () => {
    server.play(planned({ refusal: 'acme_sale has moved on' }), succeeded)
    const { code, stderr } = await cli('rollback', 'acme', '--yes')
    expect(code).toBe(5)
    expect(stderr).toContain('Not rolled back: acme_sale has moved on\nTwo ways on:')
    expect(methods()).toEqual(['planRollback'])
    expect((await cli('rollback', 'acme', '--yes', '--force')).code).toBe(0)
    expect(requestOf('startRollback')).toMatchObject({ force: true })
  })
})
