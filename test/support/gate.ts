import { until } from './until.js';

/** After `hold(count)`, holds the next `count` callers of `pass` until `open` is called. */
export function createGate() {
  let [held, wanted] = [0, 0];
  let open: () => void = () => undefined;
  let opened = Promise.resolve();
  const isFull = (): boolean => held === wanted;
  return {
    isFull,
    /** Resolves at once, or when the gate opens. */
    pass: () => (held < wanted ? (held++, opened) : Promise.resolve()),
    hold(count: number) {
      [held, wanted] = [0, count];
      opened = new Promise((resolve) => (open = resolve));
    },
    /** Resolves when `count` callers wait. */
    full: () => until(() => Promise.resolve(isFull())),
    open() {
      wanted = 0;
      open();
    },
  };
}
export type Gate = ReturnType<typeof createGate>;
