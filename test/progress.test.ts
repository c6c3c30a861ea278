import type { Login, Verification } from '../src/login/login.js';
import { progressOf, verificationAt, type Report } from '../src/login/progress.js';
import { parsePhoneNumber, type PhoneNumber } from '../src/core/phone-number.js';

const fallbacks = ['sms', 'voice'] as const;
const START = 1_700_000_000_000;
const at = (seconds: number) => START + seconds * 1000;
const chain: Verification = {
  id: 'r',
  steps: [
    { channel: 'silent_auth', seconds: 60 },
    { channel: 'sms', seconds: 300 },
    { channel: 'voice', seconds: 300 },
  ],
  step: 0,
  since: START,
  startedAt: START,
};
const ended = (channel: string, seconds: number): Report => ({ over: [{ channel, at: at(seconds) }] });
const channelAt = (seconds: number, report?: Report, verification = chain) => {
  const now = verificationAt(verification, at(seconds), report);
  return now ? now.steps[now.step]?.channel : 'over';
};

test.each([
  [0, 'silent_auth'],
  [59, 'silent_auth'],
  [60, 'sms'],
  [359, 'sms'],
  [360, 'voice'],
  [659, 'voice'],
  [660, 'over'],
])('after %i seconds the step of a verification is %s', (seconds, channel) => {
  expect(channelAt(seconds)).toBe(channel);
});

test.each<[string, Report, number, string]>([
  ['the silent step ends early', ended('silent_auth', 10), 11, 'sms'],
  ['the message then has its whole duration', ended('silent_auth', 10), 309, 'sms'],
  ['the message has no longer than that', ended('silent_auth', 10), 310, 'voice'],
  ['the message step ends', ended('sms', 100), 101, 'voice'],
  ['the last step ends', ended('voice', 400), 401, 'over'],
  ['the verification ends', { over: [], ended: {} }, 6, 'over'],
  ['the silent step ends, reported late', ended('silent_auth', 100), 101, 'sms'],
  ['a channel ends that it does not have', ended('voice', 5), 6, 'over'],
])('after a webhook: %s', (_what, report, seconds, channel) => {
  expect(channelAt(seconds, report)).toBe(channel);
});

test('a webhook corrects the begin of a step that the clock began too late', () => {
  const byClock = { ...chain, step: 1, since: at(60) };
  expect(channelAt(309, ended('silent_auth', 10), byClock)).toBe('sms');
  expect(channelAt(310, ended('silent_auth', 10), byClock)).toBe('voice');
});

test('a webhook about an earlier step is ignored', () => {
  const moved = { ...chain, step: 2, since: at(20) };
  expect(channelAt(300, ended('sms', 250), moved)).toBe('voice');
  expect(channelAt(321, ended('sms', 250), moved)).toBe('over');
});

const login: Login = {
  id: 'l',
  phoneNumber: parsePhoneNumber('+447700900000') as PhoneNumber,
  client: 'app',
  channel: 'silent_auth',
  expiresAt: at(300),
};

test.each<[string, Login, number, object]>([
  [
    'silent and pending',
    login,
    1,
    { status: 'pending', channel: 'silent_auth', nextChannels: ['sms', 'voice'] },
  ],
  ['silent and expired', login, 300, { status: 'expired', nextChannels: ['sms', 'voice'] }],
  [
    'silent and refused',
    { ...login, status: 'failed' },
    1,
    { status: 'failed', nextChannels: ['sms', 'voice'] },
  ],
  ['done', { ...login, status: 'completed' }, 1, { status: 'completed', nextChannels: [] }],
  [
    'closed by wrong codes',
    { ...login, status: 'failed', locked: true },
    1,
    { status: 'failed', nextChannels: [] },
  ],
  [
    'in a workflow at the silent step',
    { ...login, verification: chain },
    1,
    { status: 'pending', channel: 'silent_auth', expiresAt: at(60), nextChannels: ['sms', 'voice'] },
  ],
  [
    'in a workflow at the message',
    { ...login, verification: chain },
    61,
    { status: 'pending', channel: 'sms', expiresAt: at(360), nextChannels: ['voice'] },
  ],
  [
    'in a workflow at the call',
    { ...login, verification: chain },
    361,
    { status: 'pending', channel: 'voice', nextChannels: [] },
  ],
  [
    'at the end of a workflow',
    { ...login, verification: chain },
    660,
    { status: 'expired', nextChannels: [] },
  ],
  [
    'in a verification with only a silent step',
    { ...login, verification: { ...chain, steps: chain.steps.slice(0, 1) } },
    61,
    { status: 'expired', nextChannels: ['sms', 'voice'] },
  ],
])('the progress of a login that is %s', (_what, of, seconds, expected) => {
  expect(progressOf(of, { now: at(seconds), fallbacks })).toMatchObject(expected);
});

test.each<[string, number, Report | undefined, object]>([
  ['the clock', 300, undefined, { status: 'expired' }],
  ['the clock, whatever another channel did', 300, ended('voice', 5), { status: 'expired' }],
  [
    'a webhook',
    10,
    { over: [{ channel: 'sms', at: at(5), reason: 'unreachable' }] },
    { status: 'failed', reason: 'unreachable' },
  ],
  ['a webhook without a reason', 10, ended('sms', 5), { status: 'failed' }],
  ['an expiry', 10, { over: [{ channel: 'sms', at: at(5), isExpired: true }] }, { status: 'expired' }],
  ['a summary of an expiry', 10, { over: [], ended: { isExpired: true } }, { status: 'expired' }],
  [
    'a summary of an expiry without a message',
    10,
    { over: [], ended: { reason: 'blocked', isExpired: true } },
    { status: 'failed', reason: 'blocked' },
  ],
  ['a summary', 10, { over: [], ended: { reason: 'rejected' } }, { status: 'failed', reason: 'rejected' }],
])('the only step of a verification is ended by %s', (_what, seconds, report, expected) => {
  const single = { ...chain, steps: chain.steps.slice(1, 2) };
  const progress = progressOf({ ...login, verification: single }, { now: at(seconds), fallbacks, report });
  expect(progress).toMatchObject({ ...expected, nextChannels: ['voice'] });
});

test('a verification that a webhook ended has failed', () => {
  const progress = progressOf(
    { ...login, verification: chain },
    { now: at(10), fallbacks, report: { over: [], ended: {} } },
  );
  expect(progress.status).toBe('failed');
});

test('a link is returned only during its step', () => {
  const report = { over: [], checkUrl: 'https://api.nexmo.com/x' };
  expect(progressOf({ ...login, verification: chain }, { now: at(10), fallbacks: [], report }).checkUrl).toBe(
    report.checkUrl,
  );
  expect(
    progressOf({ ...login, verification: chain }, { now: at(61), fallbacks: [], report }).checkUrl,
  ).toBeUndefined();
});
