import type { EngineName } from '../../../src/login/engines/engines.js';
import { createMemoryStore } from '../../../src/store/memory.js';
import { buildHouse, type House, WITH_CODES } from '../../support/house.js';
import { createGate, type Gate } from './gate.js';
import { createWire, type Wire } from './wire.js';

export type StoreName = 'redis' | 'memory';

/** A house that many games are played in, one after the other. */
export interface Arena {
  engine: EngineName;
  house: House;
  gate: Gate;
  wire: Wire;
  /** Counts how far games got. */
  reached: (what: string) => void;
  /** Makes everything new: store, sandbox, connections aside. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** What the house is set to; nothing in it may stand in the way of the attacker but the rules that are under test. */
const ENV = {
  ...WITH_CODES,
  LOG_LEVEL: 'silent',
};

/** @param counts takes how often what was reached */
export async function openArena(
  engine: EngineName,
  store: StoreName,
  counts: Map<string, number>,
): Promise<Arena> {
  const gate = createGate();
  const wire = createWire();
  const renewed: { store?: ReturnType<typeof createMemoryStore> } = {};
  const house = await buildHouse({
    store,
    env: { ...ENV, SILENT_AUTH: engine },
    through: (first) => gate.before(() => renewed.store ?? first),
  });
  return {
    engine,
    house,
    gate,
    wire,
    reached: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
    async renew() {
      await house.reset();
      if (store === 'memory') renewed.store = createMemoryStore(house.world);
    },
    async close() {
      wire.close();
      await house.stop();
    },
  };
}
