import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { HEAP_GROWING } from './heap.ts';

it('says what this V8 understands: to one who asks while it runs, it says nothing of what it does not', () => {
  const { status, stderr } = spawnSync(process.execPath, [HEAP_GROWING, '-e', '0']);
  expect({ status, stderr: String(stderr) }).toEqual({ status: 0, stderr: '' });
  expect(spawnSync(process.execPath, ['--heap-that-does-not-grow', '-e', '0']).status).not.toBe(0);
});
