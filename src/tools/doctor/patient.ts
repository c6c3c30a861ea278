import type { Config } from '../../config/config.js';
import { reach } from '../phone/reach.js';
import type { World } from '../../core/world.js';
import type { Finding } from './finding.js';

/** What a server answered. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Empty where the body was no JSON object. */
  json: Record<string, unknown>;
  /** How far the clock of `Date` is ahead of ours, in milliseconds; undefined where it says no time. */
  aheadMs: number | undefined;
}

/** Asks one path of the deployment. @throws Error in words, where nothing was answered */
export type Ask = (
  path: string,
  request?: { method?: string; headers?: Record<string, string>; body?: string },
) => Promise<Answer>;

/** The settings of the server, where they could be read. */
export interface Settings {
  /** Looks up one by its name. */
  get: (name: string) => string | undefined;
  /** Absent where something is wrong with them. */
  config: Config | undefined;
  problems: readonly string[];
}

/** A deployment that is looked at. */
export interface Patient {
  base: URL;
  ask: Ask;
  world: World;
  /** Absent where there are none. */
  settings: Settings | undefined;
  /** The number to begin logins for; absent: none is begun. */
  number: string | undefined;
}

/** Looks at one part of a deployment. */
export type Check = (patient: Patient) => Promise<Finding[]>;

/** Milliseconds that an answer may take. */
const PATIENCE_MS = 5_000;

/** Asks an address, and follows no redirect. @throws Error in words */
export async function askAt(url: URL, request: RequestInit, world: Pick<World, 'now'>): Promise<Answer> {
  const { status, headers, json } = await reach(url, request, PATIENCE_MS);
  const date = Date.parse(headers.get('date') ?? '');
  return { status, headers, json, aheadMs: Number.isNaN(date) ? undefined : date - world.now() };
}
