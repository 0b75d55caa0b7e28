// Two hubs with the sample trade, started for a run of tests and ended with it.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const PROGRAM = process.env.EHUB ?? join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug", "ehub");
// The sample trade takes half a minute on two cores; a machine under load takes longer.
const STARTS_WITHIN_MS = 240_000;
const ENDS_WITHIN_MS = 15_000;

/** Starts both hubs and waits until the sample trade is played. EHUB_AT names hubs that run already. */
export async function startHubs() {
  if (process.env.EHUB_AT) {
    const [kul, hgh] = process.env.EHUB_AT.split(/\s+/);
    return { kul, hgh, stop: async () => {} };
  }
  const dir = mkdtempSync(join(tmpdir(), "ehub-browser-"));
  const [kul, hgh] = [await freePort(), await freePort()];
  const args = ["demo", "--json", "--dir", dir, "--kul-port", String(kul), "--hgh-port", String(hgh)];
  const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), ENDS_WITHIN_MS);
    await ended;
    clearTimeout(late);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await played(child);
  } catch (error) {
    for (const hub of ["kul", "hgh"]) console.log(`--- ${hub}\n${tail(join(dir, hub, "hub.log"))}`);
    await stop();
    throw error;
  }
  return { kul: `http://localhost:${kul}`, hgh: `http://localhost:${hgh}`, stop };
}

/** The demo prints its summary as one line of JSON when all is played, and goes on serving. */
function played(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error("the sample trade did not end in time")), STARTS_WITHIN_MS);
    const done = (act) => { clearTimeout(late); act(); };
    child.stdout.on("data", (chunk) => {
      said += chunk;
      if (said.includes("\n")) done(resolve);
    });
    child.stderr.on("data", (chunk) => { said += chunk; });
    child.once("error", (error) => done(() => reject(error)));
    child.once("exit", (code) => done(() => reject(new Error(`the demo ended with ${code}: ${said.slice(-2000)}`))));
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function tail(path) {
  try {
    return readFileSync(path, "utf8").split("\n").slice(-25).join("\n");
  } catch {
    return "";
  }
}
