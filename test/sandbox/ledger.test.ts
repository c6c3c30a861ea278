import { createLedger, SHELF_LENGTH, TAPE_LENGTH } from '../../src/sandbox/ledger.js';

describe('the ledger', () => {
  it('forgets the oldest requests and messages', () => {
    const { messages } = createLedger();
    for (let code = 0; code <= TAPE_LENGTH; code += 1) {
      messages.add({ to: '+447700900000', channel: 'sms', text: '', code: String(code), at: '' });
    }
    expect(messages.all()).toHaveLength(TAPE_LENGTH);
    expect(messages.all()[0]).toMatchObject({ code: '1' });
  });

  it('forgets the oldest states, walks, codes and tokens', () => {
    const { states } = createLedger();
    for (let state = 0; state <= SHELF_LENGTH; state += 1) states.put(String(state), true);
    expect([states.has('0'), states.has('1'), states.has(String(SHELF_LENGTH))]).toEqual([false, true, true]);
  });
});
