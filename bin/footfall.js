#!/usr/bin/env node
// The entry that every Node can run: makes `dist/` where it is missing or old, then hands over to the command line.
import { fileURLToPath } from 'node:url';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(
    `Footfall cannot run here.\nNode ${process.versions.node} is not supported: use 20, 22 or 24.`,
  );
  process.exit(1);
}
process.setSourceMapsEnabled(true);
const { isFresh } = await import('./fresh.js');
if (!isFresh()) {
  // In a process of its own, since this one would keep the memory of it for as long as it runs.
  const { execFileSync } = await import('node:child_process');
  execFileSync(process.execPath, [fileURLToPath(new URL('./build.js', import.meta.url))], {
    stdio: 'inherit',
  });
}
await import('../dist/footfall.js');
