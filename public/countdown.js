/**
 * Calls `show` with the whole seconds until `end` (ms since the epoch), now and each second, down
 * to 0.
 * @returns a function that stops it
 */
export function countDown(end, show) {
  const timer = setInterval(tick, 1000);
  const stop = () => clearInterval(timer);
  function tick() {
    const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    if (seconds === 0) stop();
    show(seconds);
  }
  tick();
  return stop;
}
