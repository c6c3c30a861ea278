import { until } from './until.js';

/** Holds up the next callers of `pass`, as many as it is told to, until it is opened. */
export function createGate() {
  let [held, wanted] = [0, 0];
  let open: () => void = () => undefined;
  let opened = Promise.resolve();
  const isFull = (): boolean => held === wanted;
  return {
    isFull,
    /** Resolves at once, or when the gate is opened. */
    pass: () => (held < wanted ? (held++, opened) : Promise.resolve()),
    hold(count: number) {
      [held, wanted] = [0, count];
      opened = new Promise((resolve) => (open = resolve));
    },
    /** Resolves when as many wait as were to be held up. */
    full: () => until(() => Promise.resolve(isFull())),
    open() {
      wanted = 0;
      open();
    },
  };
}
export type Gate = ReturnType<typeof createGate>;
