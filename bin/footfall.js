#!/usr/bin/env node
// The entry that every Node can run: makes `dist/` where it is missing or old, then hands over to the command line.
const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(
    `Footfall cannot run here.\nNode ${process.versions.node} is not supported: use 20, 22 or 24.`,
  );
  process.exit(1);
}
process.setSourceMapsEnabled(true);
const { build, isFresh } = await import('./build.js');
if (!isFresh()) await build();
await import('../dist/footfall.js');
