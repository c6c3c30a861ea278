import { doctor } from '../src/tools/doctor/doctor.js';
import type { Finding } from '../src/tools/doctor/finding.js';
import { readSettings } from '../src/tools/doctor/settings.js';
import { phone } from '../src/tools/phone/phone.js';
import { runCommand } from './support/commands.js';
import { credentials } from './support/credentials.js';
import { withMounted } from './support/mounted.js';
import { ALICE } from './support/system.js';

const findingsAt = async (url: string): Promise<Finding[]> =>
  JSON.parse((await runCommand(doctor, [url, '--login', ALICE, '--json'])).output) as Finding[];

/** Settings of an app that gives the routes its own client of Redis. */
const settingsOf = (origin: string) => ({
  PUBLIC_URL: origin,
  SESSION_SECRET: credentials.sessionSecret,
  VONAGE_APPLICATION_ID: credentials.applicationId,
  VONAGE_PRIVATE_KEY: credentials.privateKeyPem,
  ...{ BRAND: 'Shop', SILENT_AUTH: 'verify', LOGO_URL: 'logo.gif' },
});

const named = (findings: readonly Finding[], verdict: string): string[] =>
  findings.filter((each) => each.verdict === verdict).map(({ check }) => check);

/** Runs `work` beside routes that have a session of their own. At Vonage they are below `/auth`. */
const withOwnSession = (work: (url: string) => Promise<void>, path = '/auth') =>
  withMounted(
    {
      options: (redis) => ({ session: 'own', redis }),
      compose: (app, silentAuth) => void app.use(path, silentAuth),
    },
    ({ base }) => work(base + path),
  );

test.each(['', '/'])('silent-auth phone logs in by routes below a path%s', (end) =>
  withOwnSession(async (url) => {
    const { code, output } = await runCommand(phone, [url + end, ALICE]);
    expect(output).toMatch(/^Logged in as \+447700900000 by silent_auth/m);
    expect(code).toBe(0);
  }),
);

test('silent-auth doctor checks routes below a path, and says which checks they do not have', () =>
  withOwnSession(async (url) => {
    const findings = await findingsAt(url);
    expect([named(findings, 'mistake'), named(findings, 'warning')]).toEqual([[], []]);
    expect(named(findings, 'not checked')).toEqual(expect.arrayContaining(['readyz', 'page']));
    const says = findings.find(({ check }) => check === 'redirect URI')?.says;
    expect(says).toBe(`The redirects end at ${url}/callback.`);
  }));

test('silent-auth doctor does not ask an app for REDIS_URL', () =>
  withOwnSession(async (url) => {
    const settings = { ...settingsOf(new URL(url).origin), VONAGE_BASE_URL: 'http://localhost:1' };
    const { output } = await runCommand(doctor, [url, '--json'], settings);
    const findings = JSON.parse(output) as Finding[];
    const verdicts = findings.filter(({ check }) => /^(?:settings|Redis)$/.test(check));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['ok', 'not checked']);
  }));

test('silent-auth doctor reads the settings of an app as the routes do, in production too', () => {
  const origin = 'https://shop.test';
  expect(readSettings(settingsOf(origin), new URL(`${origin}/auth`))?.problems).toEqual([]);
  expect(readSettings(settingsOf(origin), new URL(origin))?.problems).toContainEqual(
    expect.stringMatching(/^REDIS_URL is missing/),
  );
});

test('silent-auth doctor leaves the cookie of a session of the app to the app', () =>
  withMounted({}, async ({ base }) => {
    const findings = await findingsAt(`${base}/auth`);
    expect(named(findings, 'mistake')).toEqual([]);
    expect(named(findings, 'not checked')).toContain('cookie');
  }));

test('silent-auth doctor finds a path at which the routes are not', () =>
  withOwnSession(async (url) => {
    const [found] = (await findingsAt(`${url}/elsewhere`)).filter(({ verdict }) => verdict === 'mistake');
    expect(found).toMatchObject({ check: 'healthz', says: expect.stringContaining('GET /session') });
  }));

test('silent-auth doctor finds a redirect URI at Vonage with another path', () =>
  withOwnSession(async (url) => {
    const findings = await findingsAt(url);
    expect(named(findings, 'mistake')).toContain('redirect URI');
    const mend = findings.find(({ check }) => check === 'redirect URI')?.mend;
    expect(mend).toContain(`Enter ${url}/callback in the Vonage dashboard`);
  }, '/account'));
