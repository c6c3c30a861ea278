import { ALICE, BOB, withHouse } from '../support/house.js';

interface Told {
  number: string;
  ending: { tone: string };
  steps: { step: string; calls: { asked: { body: string } }[] }[];
}

test('logins that happen at once are told apart, each with all its calls', async () => {
  await withHouse({ tapped: true }, async (house) => {
    const [alice, bob] = await Promise.all([house.walkedLogin(ALICE), house.walkedLogin(BOB)]);
    await Promise.all([alice, bob].map(({ app, code }) => app.post('/verify').send({ code }).expect(200)));
    const answer = await fetch(`${house.sandbox}/__sandbox/conversation`);
    const { logins } = (await answer.json()) as { logins: Told[] };
    expect(logins.map(({ number }) => number).sort()).toEqual([ALICE, BOB]);
    for (const { number, steps, ending } of logins) {
      expect(ending.tone).toBe('good');
      expect(steps.map(({ calls }) => calls.length)).toEqual([1, 1, 3, 2, 2]);
      expect(steps[0]?.calls[0]?.asked.body).toContain(number);
      expect(steps[4]?.calls[1]?.asked.body).toContain(number);
    }
  });
});
