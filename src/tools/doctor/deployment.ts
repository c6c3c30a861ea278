import type { Config } from '../../config/config.js';
import type { World } from '../../core/world.js';
import { sendRequest } from '../http.js';
import type { Finding } from './finding.js';

/** An answer of the deployment. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Empty where the body is no JSON object. */
  json: Record<string, unknown>;
  /** How far the clock of `Date` is ahead of ours, in milliseconds; undefined without a `Date`. */
  aheadMs: number | undefined;
}

/** The settings of the server, where they could be read. */
export interface Settings {
  /** Looks up one by its name. */
  get: (name: string) => string | undefined;
  /** Absent where something is wrong with them. */
  config: Config | undefined;
  problems: readonly string[];
}

/** The deployment that is checked. */
export interface Deployment {
  base: URL;
  /** Sends a request to a path. @throws Error with a message for the user, where no answer comes */
  request: (
    path: string,
    request?: { method?: string; headers?: Record<string, string>; body?: string },
  ) => Promise<Answer>;
  world: World;
  /** Absent where there are none. */
  settings: Settings | undefined;
  /** The number to begin logins for; absent where none is to be begun. */
  number: string | undefined;
}

/** Checks one part of a deployment. */
export type Check = (deployment: Deployment) => Promise<Finding[]>;

const ANSWER_TIMEOUT_MS = 5_000;

/** Sends a request to a URL, and follows no redirect. @throws Error with a message for the user */
export async function requestAt(url: URL, request: RequestInit, world: Pick<World, 'now'>): Promise<Answer> {
  const { status, headers, text, json } = await sendRequest(url, request, ANSWER_TIMEOUT_MS);
  const date = Date.parse(headers.get('date') ?? '');
  return { status, headers, text, json, aheadMs: Number.isNaN(date) ? undefined : date - world.now() };
}
