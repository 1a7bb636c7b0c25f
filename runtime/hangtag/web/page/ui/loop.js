// One frame after another: always the newest, never a queue. While a frame is worked on, the others pass by.

/** A video that gives no frame for so long is not live. */
export const STALE_MS = 1500;
const LOOK_MS = 300;

export class Loop {
  #video;
  #work;
  #onAge;
  #running = false;
  #busy = null;
  #asked = 0;
  #frameAt = 0;
  #watch = null;

  /**
   * `work(video)` is called for a new frame and awaited; `onAge(ms | null)` says that no frame has come for
   * so long, and null when frames come again.
   */
  constructor(video, work, onAge) {
    this.#video = video;
    this.#work = work;
    this.#onAge = onAge;
  }

  get running() {
    return this.#running;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#frameAt = performance.now();
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    this.#ask();
  }

  /** Stops; what is returned settles when the frame in hand is done. */
  async stop() {
    this.#running = false;
    clearInterval(this.#watch);
    this.#asked += 1;
    await this.#busy;
  }

  #ask() {
    const asked = (this.#asked += 1);
    nextFrame(this.#video, () => {
      if (asked === this.#asked) this.#busy = this.#frame(asked);
    });
  }

  async #frame(asked) {
    this.#frameAt = performance.now();
    this.#onAge(null);
    try {
      await this.#work(this.#video);
    } finally {
      // Asked again only now: frames that came meanwhile are never seen.
      if (this.#running && asked === this.#asked) this.#ask();
    }
  }

  #look() {
    const age = performance.now() - this.#frameAt;
    if (age > STALE_MS && document.visibilityState === "visible") this.#onAge(age);
  }
}

function nextFrame(video, callback) {
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback(callback);
    return;
  }
  // Older browsers: look at each repaint whether the picture's time has moved on.
  const before = video.currentTime;
  const look = () => {
    if (video.srcObject && video.currentTime === before) requestAnimationFrame(look);
    else if (video.srcObject) callback();
  };
  requestAnimationFrame(look);
}
