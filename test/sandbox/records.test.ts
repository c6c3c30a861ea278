import { BoundedList, createStore, MAX_ENTRIES, MAX_RECORDS } from '../../src/sandbox/state/records.js';

describe('records', () => {
  it('are forgotten when newer ones take their place', () => {
    const messages = new BoundedList<number>();
    for (let code = 0; code <= MAX_RECORDS; code += 1) messages.add(code);
    expect(messages.all()).toHaveLength(MAX_RECORDS);
    expect(messages.all()[0]).toBe(1);
  });

  it('with a key are forgotten as well', () => {
    const states = createStore<true>();
    for (let state = 0; state <= MAX_ENTRIES; state += 1) states.set(String(state), true);
    expect([states.has('0'), states.has('1'), states.has(String(MAX_ENTRIES))]).toEqual([false, true, true]);
  });
});
