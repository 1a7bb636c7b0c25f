// What this browser and this page may run a model on: CPU threads, and a graphics adapter.

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;
const MOST_THREADS_BY_DEFAULT = 4; // of a phone's eight cores four are slow, and all of a team wait for the slowest

/** How many CPU threads a model gets where nobody says: 1 where the page may not start threads. */
export function defaultThreads() {
  return whyNoThreads() === null ? Math.min(MOST_THREADS_BY_DEFAULT, cores()) : 1;
}

/** How many cores the browser tells of. */
export function cores() {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/** Why the page may not start threads that share memory, in one line; null where it may. */
export function whyNoThreads() {
  if (globalThis.crossOriginIsolated !== true) {
    return "the page is not cross-origin isolated; serve it with the headers COOP same-origin and COEP require-corp";
  }
  return cores() < 2 ? "the browser tells of one core" : null;
}

/**
 * The graphics adapter that WebGPU would use: `{ name, isSoftware }`, or null where there is none. Never throws.
 * `isSoftware` means that the CPU only plays a GPU.
 */
export async function gpuAdapter() {
  const found = await requestGpu();
  return found.adapter ? { name: found.name, isSoftware: found.isSoftware } : null;
}

/** Ask for the adapter itself: `{ adapter, name, isSoftware }`, or `{ adapter: null, reason }`. Never throws. */
export async function requestGpu() {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) {
    const reason = globalThis.isSecureContext === false ? "WebGPU needs https or localhost" : "this browser has no WebGPU";
    return { adapter: null, reason };
  }
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return { adapter: null, reason: "WebGPU finds no graphics adapter" };
    const info = adapter.info ?? (await adapter.requestAdapterInfo?.()) ?? {};
    const isSoftware = saysFallback(adapter, info) || SOFTWARE.test(words(info).join(" "));
    return { adapter, name: adapterName(info), isSoftware };
  } catch (error) {
    return { adapter: null, reason: `WebGPU refuses an adapter: ${error.message ?? error}` };
  }
}

function saysFallback(adapter, info) {
  return adapter.isFallbackAdapter === true || info.isFallbackAdapter === true;
}

/** "description (vendor architecture)", of which browsers leave parts empty against fingerprinting. */
function adapterName(info) {
  const maker = [info.vendor, info.architecture].filter(Boolean).join(" ");
  const product = info.description || info.device || "";
  if (product && maker) return `${product} (${maker})`;
  return product || maker || "unnamed adapter";
}

function words(info) {
  return [info.vendor, info.architecture, info.device, info.description].filter(Boolean);
}
