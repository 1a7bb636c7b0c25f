// The service worker: the page without a network, and new versions of it as a whole.

import { withdraw, notice } from "./notices.js";
import { oneLine } from "./problems.js";
import { say } from "./language.js";

/** Files of the engine that this page has loaded: which build a device takes is known only then. */
const ENGINE = "/vendor/litertjs/wasm/";

/** Event "change": the state is another. */
export class Offline extends EventTarget {
  /** `[key, values]` of the sentence that says how things stand. */
  state = ["offline-preparing", {}];
  #registration = null;

  /** Registers the worker; never throws, for the page works without. */
  async start() {
    if (!("serviceWorker" in navigator)) {
      this.#set(isSecureContext ? "offline-unsupported" : "offline-insecure");
      return;
    }
    const workers = navigator.serviceWorker;
    workers.addEventListener("message", ({ data }) => this.#hear(data));
    try {
      this.#registration = await workers.register("sw.js", { updateViaCache: "none" });
    } catch (error) {
      this.#refused(error);
      return;
    }
    this.#watch();
  }

  /** Has the worker keep what the page has loaded of the engine. Call it again when that was more. */
  async keep() {
    if (!this.#registration) return;
    const paths = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
    const urls = [...new Set(paths.filter((path) => path.includes(ENGINE)))];
    const worker = (await ready(this.#registration))?.active;
    if (worker) worker.postMessage({ type: "keep", urls });
    else this.#set("offline-part", { detail: "sw.js" });
  }

  #hear(data) {
    if (data?.type !== "kept") return;
    if (data.problem) this.#set("offline-part", { detail: data.problem });
    else this.#set("offline-ready");
  }

  #refused(error) {
    // Chrome's words for a self-signed certificate; it allows the camera there, but no worker.
    if (/certificate|ssl/i.test(error.message)) this.#set("offline-certificate");
    else this.#set("offline-failed", { detail: oneLine(error) });
  }

  #watch() {
    const registration = this.#registration;
    let taken = false;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      // Asked for here or in another tab: old files must not meet new ones.
      if (taken) location.reload();
    });
    taken = navigator.serviceWorker.controller !== null;
    const offer = () => registration.waiting && taken && this.#offer();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", offer);
    });
    offer();
    // An installed page may stay open for weeks.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") registration.update().catch(() => {});
    });
  }

  #offer() {
    notice("version", {
      text: () => say("new-version"),
      action: { key: "use-new", run: () => this.#take() },
    });
  }

  #take() {
    withdraw("version");
    this.#registration.waiting?.postMessage({ type: "take-over" });
  }

  #set(key, values = {}) {
    this.state = [key, values];
    this.dispatchEvent(new Event("change"));
  }
}

/** Returns the registration once it has a worker, null where installing it failed. */
async function ready(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (registration.active || !worker) return registration.active ? registration : null;
  await new Promise((resolve) => {
    const look = () => ["activated", "redundant"].includes(worker.state) && resolve();
    worker.addEventListener("statechange", look);
    look();
  });
  return registration.active ? registration : null;
}
