// Builds the wallet into build/ (A9: not dist/). Imitates what the real bundler does with the environment: all of it is
// inlined into public JavaScript, and BIOMETRIC_API_URL, from the environment or from the wallet's own .env, counts only
// now. Exists so that tests can search a published bundle for secrets and for the API's address. Plain Node, 18 or later.

const { createHash } = require("node:crypto");
const { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const path = require("node:path");

const root = path.join(__dirname, "..");
const output = path.join(root, "build");
const read = (...parts) => readFileSync(path.join(root, ...parts), "utf8");
const write = (name, text) => writeFileSync(path.join(output, name), text);
const hash = (text) => createHash("sha256").update(text).digest("hex").slice(0, 10);

// The wallet's own .env, if there is one; the environment wins, as with dotenv.
function readDotenv() {
  if (!existsSync(path.join(root, ".env"))) return {};
  const lines = read(".env").split(/\r?\n/).map((line) => line.match(/^\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/));
  return Object.fromEntries(lines.filter(Boolean).map(([, name, value]) => [name, value.replace(/^(["'])(.*)\1$/, "$2")]));
}

// One file: the environment, the package from npm, the application. The map points at the application's lines.
function bundle(environment) {
  const dependency = read("node_modules", "escape-html", "index.js");
  const source = read("src", "app.js");
  const before = [
    `const environment = ${JSON.stringify(environment)};`,
    "const escapeHtml = (() => { const module = { exports: {} };",
    dependency,
    "return module.exports; })();",
    "",
  ].join("\n");
  const skipped = ";".repeat(before.split("\n").length - 1);
  const mappings = skipped + source.split("\n").map((_, line) => (line === 0 ? "AAAA" : "AACA")).join(";");
  return { code: before + source, map: { version: 3, sources: ["src/app.js"], sourcesContent: [source], names: [], mappings } };
}

const { code, map } = bundle({ ...readDotenv(), ...process.env });
const style = read("src", "style.css");
const script = `app.${hash(code)}.js`;
const sheet = `style.${hash(style)}.css`;

rmSync(output, { recursive: true, force: true });
mkdirSync(output);
cpSync(path.join(root, "public"), output, { recursive: true });
write(script, `${code}\n//# sourceMappingURL=${script}.map\n`);
write(`${script}.map`, JSON.stringify({ ...map, file: script }));
write(sheet, style);
write("index.html", read("src", "index.html").replace("APP_SCRIPT", script).replace("APP_STYLE", sheet));
write("service-worker.js", read("src", "service-worker.js").replace("APP_SCRIPT", script));
console.log(`build/ holds index.html, ${script}, its map and ${sheet}`);
