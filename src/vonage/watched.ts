import type { World } from '../world.js';
import { Unanswered, type Transport } from './transport.js';

/** Tells of every call how it was answered and how long it took, to whoever counts and traces. */
export const watched =
  (transport: Transport, { meter, span }: Pick<World, 'meter' | 'span'>): Transport =>
  (call) =>
    span(`${call.method} ${call.api}`, 'client', async (tell) => {
      const startedAt = performance.now();
      const end = (status: string) => meter.called(call.api, status, performance.now() - startedAt);
      tell({ 'http.request.method': call.method, 'vonage.api': call.api });
      try {
        const answer = await transport(call);
        const { status } = answer;
        const isFailure = status >= 400 && { 'error.type': `${status}` };
        tell({ 'http.response.status_code': status, ...isFailure });
        end(classOf(status));
        return answer;
      } catch (error) {
        const status =
          error instanceof Unanswered && error.code === 'upstream_timeout' ? 'timeout' : 'connection';
        tell({ 'error.type': status });
        end(status);
        throw error;
      }
    });

/** 429 stands by itself: what there is to do about it is another matter than about an error. */
const classOf = (status: number): string => (status === 429 ? '429' : `${Math.floor(status / 100)}xx`);
