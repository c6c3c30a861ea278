import type { Step, Told } from './journal.js';

/** How a way that a login took, silence or a message, came to its end. */
export interface EndOfWay {
  channel: string;
  outcome: 'completed' | 'failed';
  reason: string;
}

/** What `/verify` can come to that is the last word on a way. After anything else the same code, or another, can be tried. */
export const LAST_WORDS = [
  'number_mismatch',
  'silent_auth_failed',
  'too_many_attempts',
  'login_refused',
  'step_up_required',
  'internal_error',
];

/**
 * The end that a step was for the way it belongs to, if it was one. A link that nobody came back from, and a message that
 * nobody answered, have none: they are those that began and did not end.
 */
export function endOfWay(
  step: Step,
  { channel, outcome = 'ok', reason, upstream }: Told,
): EndOfWay | undefined {
  const failed = (way: string, why = reason ?? outcome): EndOfWay => ({
    channel: way,
    outcome: 'failed',
    reason: why,
  });
  if (step === 'begin') return outcome === 'silent_auth_unavailable' ? failed('silent_auth') : undefined;
  if (outcome === 'ok')
    return step === 'verify' && channel ? { channel, outcome: 'completed', reason: '' } : undefined;
  // A state was taken, so nobody can come back with it again.
  if (step === 'callback') return channel ? failed(channel) : undefined;
  if (step !== 'verify' || !channel) return undefined;
  // Vonage is asked once about what a device brought, whatever it answers.
  const isSpent = channel === 'silent_auth' && upstream !== undefined;
  return isSpent || LAST_WORDS.includes(outcome) ? failed(channel) : undefined;
}
