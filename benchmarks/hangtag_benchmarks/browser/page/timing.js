// A clock around an action, once or again and again.

/** How long an action took, in milliseconds, and what it gave. */
export async function timed(action) {
  const begun = performance.now();
  const result = await action();
  return [performance.now() - begun, result];
}

/** Run an action until both are reached; every latency in milliseconds. `ready` comes before each, untimed. */
export async function repeated(action, leastS, leastRuns, ready = () => {}) {
  const latencies = [];
  let ended = performance.now();
  const until = ended + 1000 * leastS;
  while (ended < until || latencies.length < leastRuns) {
    await ready();
    const begun = performance.now();
    await action();
    ended = performance.now();
    latencies.push(ended - begun);
  }
  return latencies;
}
