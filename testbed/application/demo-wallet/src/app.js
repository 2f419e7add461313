// The application of the wallet. Imitates what makes the real one hard to serve: WebAssembly from bytes, styles made at
// run time, an API on another origin, routes that are no files (A9, F8, F10). Title and #api, #wasm, #style show how it went.

const api = environment.BIOMETRIC_API_URL || "http://localhost:8000";

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const adder = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0,
  10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11,
]);

// Needs script-src 'wasm-unsafe-eval'.
async function tryWasm() {
  const { instance } = await WebAssembly.instantiate(adder);
  return `2 + 3 = ${instance.exports.add(2, 3)}`;
}

// Needs style-src 'unsafe-inline', twice: a <style> element without a nonce, and a style attribute.
async function tryStyle() {
  const element = document.createElement("style");
  element.textContent = "#style { border-left: 3px solid rgb(1, 2, 3); }";
  document.head.append(element);
  const target = document.getElementById("style");
  target.setAttribute("style", "color: rgb(4, 5, 6)");
  const seen = getComputedStyle(target);
  const wanted = { outlineStyle: "dotted", borderLeftColor: "rgb(1, 2, 3)", color: "rgb(4, 5, 6)" };
  const missing = Object.keys(wanted).filter((name) => seen[name] !== wanted[name]);
  if (missing.length) throw new Error(`not applied: ${missing.join(", ")}`);
  return "sheet, element and attribute";
}

// Needs connect-src with the API's origin, and the API's CORS for ours (with a preflight).
async function tryApi() {
  const visitor = await askJson("/api/echo-address");
  const record = await askJson("/api/records", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.getRandomValues(new Uint32Array(4)).join("-") },
    body: JSON.stringify({ key: "wallet", value: location.pathname }),
  });
  return `${api} sees ${visitor.address} over ${visitor.scheme}, record ran ${record.runs} time(s)`;
}

async function askJson(path, options) {
  const answer = await fetch(api + path, options);
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

async function show(id, attempt) {
  const target = document.getElementById(id);
  try {
    target.innerHTML = `ok: ${escapeHtml(await attempt())}`;
    return true;
  } catch (error) {
    target.innerHTML = `failed: ${escapeHtml(String(error))}`;
    return false;
  }
}

function showRoute() {
  document.getElementById("route").textContent = location.pathname;
}

function follow(event) {
  const link = event.target.closest("a");
  if (!link) return;
  event.preventDefault();
  history.pushState({}, "", link.href);
  showRoute();
}

async function start() {
  document.addEventListener("click", follow);
  addEventListener("popstate", showRoute);
  showRoute();
  const results = await Promise.all([show("wasm", tryWasm), show("style", tryStyle), show("api", tryApi)]);
  document.title = results.every(Boolean) ? "ready" : "failed";
}

// Absent without TLS, and refused on a certificate the browser does not trust: the wallet works without.
navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
start();
