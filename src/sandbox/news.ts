import type { Login } from './conversation/logins.js';

/** What may have changed: one login, or one of the lists, or all at once. */
export interface Topics {
  login: Login;
  messages: undefined;
  subscribers: undefined;
  everything: undefined;
}

type Hear = <T extends keyof Topics>(topic: T, about: Topics[T]) => void;

export interface News {
  tell: Hear;
  /** Hears everything from now on, until the returned function is called. */
  listen(hear: Hear): () => void;
}

export const createNews = (): News => {
  const listeners = new Set<Hear>();
  return {
    tell: (topic, about) => listeners.forEach((hear) => hear(topic, about)),
    listen: (hear) => {
      listeners.add(hear);
      return () => void listeners.delete(hear);
    },
  };
};
