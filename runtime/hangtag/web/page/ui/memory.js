// What the page remembers between visits: choices only, on this device only.

const PREFIX = "hangtag.";

/** Returns what was remembered under a name, or null; also where the browser keeps nothing. */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null; // cookies and storage are refused: the page works, with its defaults
  }
}

/** Remembers a text; null forgets. */
export function remember(name, text) {
  try {
    if (text === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
  } catch {
    // As above.
  }
}
