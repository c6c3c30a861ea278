import { LoginError } from '../errors.js';
import type { World } from '../world.js';

type Step = 'begin' | 'callback' | 'verify' | 'next';

export type Journal = ReturnType<typeof createJournal>;

/**
 * Writes one line a step of a login: what came of it, and how long it took. The fields are a closed list; neither
 * number nor code nor anything upstream said in prose is among them.
 */
export const createJournal =
  ({ log }: Pick<World, 'log'>) =>
  (requestId: string, loginId: string, fields: { number?: string; client?: string; channel?: string } = {}) =>
  async <T extends object>(step: Step, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const line = (outcome: string) => ({
      request_id: requestId,
      login_id: loginId,
      ...fields,
      step,
      outcome,
      ms: Math.round(performance.now() - startedAt),
    });
    try {
      const result = await work();
      log.info(
        line('verified' in result && result.verified === false ? 'number_mismatch' : 'ok'),
        'login step',
      );
      return result;
    } catch (error) {
      const known = error instanceof LoginError ? error : undefined;
      const cause = {
        ...(known?.fields.reason && { reason: known.fields.reason }),
        upstream: known?.upstream,
      };
      log.warn({ ...line(known?.code ?? 'internal_error'), ...cause }, 'login step');
      throw error;
    }
  };
