import type { Login } from './conversation/logins.js';

/** What may have changed: one login, or one of the lists, or all at once. */
type Item = { topic: 'login'; login: Login } | { topic: 'messages' | 'subscribers' | 'everything' };

type Hear = (item: Item) => void;

export interface News {
  tell: Hear;
  /** Hears everything from now on, until the returned function is called. */
  listen(hear: Hear): () => void;
}

export const createNews = (): News => {
  const listeners = new Set<Hear>();
  return {
    tell: (item) => listeners.forEach((hear) => hear(item)),
    listen: (hear) => {
      listeners.add(hear);
      return () => void listeners.delete(hear);
    },
  };
};
