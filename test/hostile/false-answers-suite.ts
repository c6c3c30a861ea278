import { startSystem, type System } from '../support/system.js';
import { heapInUse } from './heap.js';
import { openFalsifyingProxy, type FalsifyingProxy } from './falsifying-proxy.js';
import { FALSE_ANSWERS, redirects } from './false-answers.js';
import { ANSWERS_BY_ENDPOINT } from './false-answers-by-endpoint.js';
import { answerAll, type Result, type VonageCall } from './vonage-calls.js';
import { openForeignHost, type ForeignHost } from './foreign-host.js';
import { addToSummary } from './summary.js';

/** The errors that an app may get when an answer of Vonage is refused. */
const PERMITTED_ERRORS = ['upstream_error', 'upstream_timeout', 'unavailable'];

const answersFor = (call: VonageCall, foreignUrl: string) => ({
  ...FALSE_ANSWERS,
  ...redirects(foreignUrl),
  ...ANSWERS_BY_ENDPOINT[call.endpoint],
});

/** Added to the deadline of a call for a busy machine. */
const TOLERANCE_MS = 2000;

function expectRefusal({ status, body, took, authenticated }: Result, call: VonageCall): void {
  const { endpoint, deadlineMs } = call;
  expect(authenticated).toBe(false);
  expect(took).toBeLessThan(deadlineMs + TOLERANCE_MS);
  // A success of `next` has no meaningful body, so its status alone counts; the server does not
  // wait for `cancel`.
  if (endpoint === 'next' && status === 200) return;
  if (endpoint === 'cancel' && status === 204) return;
  // A login with another channel continues without the silent one.
  if (status === 201) expect(body).toMatchObject({ channel: null, auth_url: null });
  else expect(PERMITTED_ERRORS).toContain(body['error']);
}

/** Gives the server every false answer to each of these calls. */
export function describeFalseAnswers(
  api: string,
  env: Record<string, string>,
  calls: readonly VonageCall[],
): void {
  describe(`false answers of ${api}`, () => {
    let system: System;
    let falsifier: FalsifyingProxy;
    let foreignHost: ForeignHost;
    let heapBefore: number;
    const results = new Map<VonageCall, Map<string, Promise<Result>>>();
    beforeAll(async () => {
      [falsifier, foreignHost] = [await openFalsifyingProxy(), await openForeignHost()];
      system = await startSystem({ env, between: (sandbox) => falsifier.placeBefore(sandbox) });
      heapBefore = heapInUse();
      for (const call of calls)
        results.set(call, await answerAll({ system, falsifier }, call, answersFor(call, foreignHost.url)));
      const outcomes = await Promise.all([...results.values()].flatMap((each) => [...each.values()]));
      const refused = outcomes.filter(({ authenticated }) => !authenticated);
      addToSummary({ 'cases tried': outcomes.length, 'cases refused': refused.length });
    }, 120_000);
    afterAll(async () => {
      await system.stop();
      falsifier.stop();
      foreignHost.stop();
    });

    describe.each(calls.map((call) => [call.endpoint, call] as const))('to %s', (_endpoint, call) => {
      test.each(Object.keys(answersFor(call, '')))('with %s is refused in time', async (name) => {
        expectRefusal((await results.get(call)?.get(name)) as Result, call);
      });
    });

    test('the server calls no foreign host, leaves no connection open, and leaks no memory', async () => {
      expect(foreignHost.connections()).toBe(0);
      while (falsifier.openConnections() > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(heapInUse() - heapBefore).toBeLessThan(30);
      expect(system.world.logged()).not.toMatch(/internal_error|447700-?110/);
    });
  });
}
