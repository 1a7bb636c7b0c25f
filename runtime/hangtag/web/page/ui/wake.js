// Keeps the screen on while the camera runs. Browsers let go of it whenever the page is hidden.

let wanted = false;
let lock = null;

/** Keeps the screen on, or lets it sleep. Where the device refuses (a low battery), it sleeps. */
export async function keepAwake(on) {
  wanted = on;
  if (!on) {
    await lock?.release();
    lock = null;
  } else if (!lock && document.visibilityState === "visible") {
    await acquire();
  }
}

async function acquire() {
  try {
    const held = await navigator.wakeLock?.request("screen");
    if (!held) return;
    lock = held;
    held.addEventListener("release", () => {
      if (lock === held) lock = null;
    });
    if (!wanted) await held.release();
  } catch {
    // Only a comfort: the page works the same.
  }
}

document.addEventListener("visibilitychange", () => keepAwake(wanted));
