import { wordsOf } from './words.js';

/** A whole answer. */
export interface Reached {
  status: number;
  statusText: string;
  headers: Headers;
  text: string;
  /** Empty where the body is no JSON object. */
  json: Record<string, unknown>;
}

/** Asks an address, and follows no redirect. @throws Error in words where no whole answer came in so many milliseconds */
export async function reach(url: URL, request: RequestInit, patienceMs: number): Promise<Reached> {
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const answer = await fetch(url, { ...request, redirect: 'manual', signal });
    const text = await answer.text();
    const { status, statusText, headers } = answer;
    return { status, statusText, headers, text, json: objectIn(text) };
  } catch (error) {
    throw new Error(`${url.host} did not answer: ${wordsOf(error)}.`, { cause: error });
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
