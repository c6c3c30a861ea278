import type { System } from '../support/system.js';

/**
 * Fails if the server used a code, state or token twice since the last reset, or repeated a
 * message.
 */
export async function expectSingleUse(system: Pick<System, 'upstream' | 'messages'>): Promise<void> {
  const calls = await system.upstream();
  const of = (path: string) => calls.filter((call) => call.path === path);
  const bodies = (path: string) => of(path).map(({ body }) => body as Record<string, string>);
  const used = {
    'authorization codes': bodies('/oauth2/token').map(({ code }) => code),
    states: bodies('/v0.1/network-enablement').map(({ state }) => state),
    'access tokens': of('/camara/number-verification/v031/verify').map(
      ({ headers }) => headers['authorization'],
    ),
    messages: (await system.messages()).map(({ to, channel }) => `${channel} to ${to}`),
  };
  const twice = Object.entries(used).flatMap(([what, each]) =>
    each.filter((one, at) => one === undefined || each.indexOf(one) !== at).map(() => what),
  );
  expect(twice).toEqual([]);
}
