import { buildHouse, postCode, type House } from './support/house.js';

describe.each(['network-enablement', 'oidc'])('with %s', (engine) => {
  let house: House;
  beforeAll(async () => (house = await buildHouse({ env: { SILENT_AUTH: engine } })));
  afterAll(() => house.stop());

  test('the log tells each step with its outcome, under a name for the number that only the secret explains', async () => {
    const { app, code } = await house.walkedLogin('+447700900101');
    await postCode(app, code).expect(200);
    const lines = house.world
      .logged()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ step }) => step !== undefined)
      .slice(-3);
    expect(lines.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['begin', 'ok'],
      ['callback', 'ok'],
      ['verify', 'number_mismatch'],
    ]);
    expect(new Set(lines.map(({ login_id }) => login_id)).size).toBe(1);
    expect(lines[0]?.['number']).toBe(lines[2]?.['number']);
    expect(lines[0]?.['number']).toMatch(/^[\w-]{16}$/);
  });
});
