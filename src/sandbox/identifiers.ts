import type { World } from '../world.js';

/** A version 4 UUID drawn from the world's randomness: Vonage's `instance` values and its wrapped states are UUIDs. */
export const uuid = (world: Pick<World, 'random'>): string => {
  const bytes = Buffer.from(world.random(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
