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
  ['the silent step ends early', { over: 'silent_auth', at: at(10) }, 11, 'sms'],
  ['the message then has its whole duration', { over: 'silent_auth', at: at(10) }, 309, 'sms'],
  ['the message has no longer than that', { over: 'silent_auth', at: at(10) }, 310, 'voice'],
  ['the message step ends', { over: 'sms', at: at(100) }, 101, 'voice'],
  ['the last step ends', { over: 'voice', at: at(400) }, 401, 'over'],
  ['the verification ends', { over: 'all', at: at(5) }, 6, 'over'],
  ['the silent step ends, reported late', { over: 'silent_auth', at: at(100) }, 101, 'sms'],
  ['a channel ends that it does not have', { over: 'voice', at: at(5) }, 6, 'over'],
])('after a webhook: %s', (_what, report, seconds, channel) => {
  expect(channelAt(seconds, report)).toBe(channel);
});

test('a webhook corrects the begin of a step that the clock began too late', () => {
  const byClock = { ...chain, step: 1, since: at(60) };
  expect(channelAt(309, { over: 'silent_auth', at: at(10) }, byClock)).toBe('sms');
  expect(channelAt(310, { over: 'silent_auth', at: at(10) }, byClock)).toBe('voice');
});

test('a webhook about an earlier step is ignored', () => {
  const moved = { ...chain, step: 2, since: at(20) };
  expect(channelAt(300, { over: 'sms', at: at(250) }, moved)).toBe('voice');
  expect(channelAt(321, { over: 'sms', at: at(250) }, moved)).toBe('over');
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

describe('a verification that this server cancels before its call', () => {
  const stopped: Verification = { ...chain, steps: chain.steps.slice(1), stopsAt: at(285) };

  test.each([
    [284, 'sms'],
    [285, 'over'],
    [400, 'over'],
  ])('after %i seconds is at %s', (seconds, channel) => {
    expect(channelAt(seconds, undefined, stopped)).toBe(channel);
  });

  test('leaves the channels open that it did not reach', () => {
    const progress = progressOf({ ...login, verification: stopped }, { now: at(300), fallbacks });
    expect(progress).toMatchObject({ status: 'expired', nextChannels: ['voice'] });
    expect(progressOf({ ...login, verification: stopped }, { now: at(1), fallbacks }).expiresAt).toBe(
      at(285),
    );
  });

  test('continues if it has passed its first step', () => {
    expect(channelAt(300, { over: 'sms', at: at(100) }, stopped)).toBe('voice');
  });
});

test('a verification that a webhook ended has failed', () => {
  const progress = progressOf(
    { ...login, verification: chain },
    { now: at(10), fallbacks, report: { over: 'all', at: at(5) } },
  );
  expect(progress.status).toBe('failed');
});

test('a link is returned only during its step', () => {
  const report = { at: at(1), checkUrl: 'https://api.nexmo.com/x' };
  expect(progressOf({ ...login, verification: chain }, { now: at(10), fallbacks: [], report }).checkUrl).toBe(
    report.checkUrl,
  );
  expect(
    progressOf({ ...login, verification: chain }, { now: at(61), fallbacks: [], report }).checkUrl,
  ).toBeUndefined();
});
