// The page without a network. Each version of the site has a cache of its own, filled as a whole before it is
// used; every file is compared with its digest, so that files of two versions never meet.

/** Written in by whoever builds the site: version, model, precache and kept, paths with their SHA-256. */
const SITE = "@SITE@";

const SCOPE = self.registration.scope;
const CACHES = `hangtag ${SCOPE} `;
const CACHE = CACHES + SITE.version;

/** What threads need, also where a host cannot send headers. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));

self.addEventListener("message", (event) => {
  if (event.data?.type === "take-over") self.skipWaiting();
  if (event.data?.type === "keep") event.waitUntil(keep(event.data.urls, event.source));
});

self.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== null) event.respondWith(answer(path, event));
});

/** The site's path that a request asks for; null for what is not the site's. */
function pathOf(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || !url.href.startsWith(SCOPE)) return null;
  const path = decodeURIComponent(url.href.slice(SCOPE.length).replace(/[?#].*$/s, "")) || "index.html";
  return digestOf(path) === null ? null : path;
}

function digestOf(path) {
  for (const list of [SITE.precache, SITE.kept]) if (Object.hasOwn(list, path)) return list[path];
  return null;
}

async function install() {
  const cache = await caches.open(CACHE);
  const before = await othersKept();
  // What the version before has kept of the engine, this one keeps too: offline stays offline.
  const kept = Object.keys(SITE.kept).filter((path) => before.has(path));
  for (const path of [...Object.keys(SITE.precache), ...kept]) await put(cache, path, before.get(path));
}

/** What caches of other versions hold: path -> response. */
async function othersKept() {
  const held = new Map();
  for (const name of await otherCaches()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      held.set(decodeURIComponent(request.url.slice(SCOPE.length)), await cache.match(request));
    }
  }
  return held;
}

async function otherCaches() {
  return (await caches.keys()).filter((name) => name.startsWith(CACHES) && name !== CACHE);
}

async function forgetOthers() {
  for (const name of await otherCaches()) await caches.delete(name);
}

/** Puts a file into the cache: from `held` where that is the same, else from the network. Throws otherwise. */
async function put(cache, path, held = null) {
  if (await cache.match(address(path))) return;
  const response = (held && (await checked(held, path))) ?? (await checked(await asked(path), path));
  if (!response) throw new Error(`${path} is not of version ${SITE.version}`);
  await cache.put(address(path), response);
}

function asked(path) {
  return fetch(address(path), { cache: "no-cache" });
}

function address(path) {
  return SCOPE + path.split("/").map(encodeURIComponent).join("/");
}

/** Returns a response with a file's bytes where its digest is the site's, else null. */
async function checked(response, path) {
  if (!response.ok) return null;
  const bytes = await response.clone().arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== digestOf(path)) return null;
  // A response of its own: one that was redirected could not answer a navigation, and lengths and encodings
  // are those of the bytes.
  const headers = new Headers(ISOLATION);
  for (const name of ["content-type", "content-security-policy", "permissions-policy", "referrer-policy"]) {
    if (response.headers.has(name)) headers.set(name, response.headers.get(name));
  }
  headers.set("X-Content-Type-Options", "nosniff");
  return new Response(bytes, { headers });
}

async function answer(path, event) {
  const cache = await caches.open(CACHE);
  const held = await cache.match(address(path));
  if (held) return held;
  const response = await checked(await asked(path), path);
  if (!response) return beginAnew(path);
  event.waitUntil(cache.put(address(path), response.clone()));
  return response;
}

/** The cache has lost a file and the server has another version: forget everything, load the new site. */
async function beginAnew(path) {
  for (const name of await caches.keys()) if (name.startsWith(CACHES)) await caches.delete(name);
  await self.registration.unregister();
  for (const client of await self.clients.matchAll({ type: "window" })) client.navigate(client.url);
  return new Response(`${path} belongs to another version`, { status: 409 });
}

/** Keeps files that a page loaded before this worker could see it, and says how that went. */
async function keep(urls, client) {
  let problem = null;
  try {
    const cache = await caches.open(CACHE);
    const paths = urls.map((url) => pathOf(new Request(url))).filter((path) => path !== null);
    for (const path of paths) await put(cache, path);
    for (const path of Object.keys(SITE.precache)) await put(cache, path);
  } catch (error) {
    problem = error.message;
  }
  client?.postMessage({ type: "kept", problem });
}
