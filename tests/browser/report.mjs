// One line a check, and their sum.
let passed = 0;
const failed = [];

/** Runs one check; a failure is told and does not end the run. Answers whether it held. */
export async function check(name, act) {
  const began = performance.now();
  try {
    await act();
    passed += 1;
    console.log(`ok    ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    failed.push(name);
    console.log(`FAIL  ${name}: ${String(error.message ?? error).split("\n").slice(0, 12).join("\n      ")}`);
    return false;
  }
}

/** The closing line; answers the exit code. */
export function sum() {
  console.log(`browser: ${passed} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}
