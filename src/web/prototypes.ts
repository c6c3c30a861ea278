import { IncomingMessage, ServerResponse, type ServerOptions } from 'node:http';
import type { Express } from 'express';

export type Messages = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Classes of Node's requests and responses that are Express's from the beginning. Express sets the prototypes of each of them as
 * it comes in, which throws away what Node 20 and 22 have compiled for them; setting what is there already costs nothing.
 */
export function messagesOf(app: Express): Messages {
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  app.request = taking(Request.prototype, app.request);
  app.response = taking(Response.prototype, app.response);
  return { IncomingMessage: Request, ServerResponse: Response as typeof ServerResponse };
}

/** `prototype` with all that `other`, and what stands between it and Node's own, has. */
function taking<T extends object>(prototype: object, other: T): T {
  const parent: unknown = Object.getPrototypeOf(other);
  if (typeof parent === 'object' && parent !== null && !isOfNode(parent)) taking(prototype, parent);
  return Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(other)) as T;
}

const isOfNode = (prototype: object): boolean =>
  prototype === IncomingMessage.prototype || prototype === ServerResponse.prototype;
