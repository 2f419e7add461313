// Published under a name that never changes: cached for a year it would pin visitors to an old release (F28).
const release = "APP_SCRIPT";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => event.source.postMessage(release));
