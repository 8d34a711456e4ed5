/** `k6/timers`. */
export const { clearInterval, clearTimeout, setInterval, setTimeout } = globalThis;
