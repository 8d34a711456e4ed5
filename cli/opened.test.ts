import { expect, test } from 'vitest';
import { Opened } from './opened.ts';

function recorder() {
  const closed: string[] = [];
  const closable = (name: string) => ({
    close: async () => {
      closed.push(name);
    },
  });
  return { closed, closable };
}

test('what was opened last is closed first', async () => {
  const { closed, closable } = recorder();
  const opened = new Opened();
  await opened.add(Promise.resolve(closable('first')));
  await opened.add(Promise.resolve(closable('second')));
  await opened.close();
  expect(closed).toEqual(['second', 'first']);
});

test('what is still being opened when something beside it fails is closed as well', async () => {
  const { closed, closable } = recorder();
  const opened = new Opened();
  let finish: () => void = () => {};
  const slow = new Promise<ReturnType<typeof closable>>((resolve) => {
    finish = () => resolve(closable('slow'));
  });
  const refused: typeof slow = Promise.reject(new Error('no engine'));
  await expect(Promise.all([opened.add(slow), opened.add(refused)])).rejects.toThrow('no engine');
  const closing = opened.close();
  finish();
  await closing;
  expect(closed).toEqual(['slow']);
});

test('one that cannot be closed does not keep the others open', async () => {
  const { closed, closable } = recorder();
  const opened = new Opened();
  await opened.add(Promise.resolve(closable('first')));
  await opened.add(Promise.resolve({ close: () => Promise.reject(new Error('stuck')) }));
  await expect(opened.close()).rejects.toThrow('stuck');
  expect(closed).toEqual(['first']);
});
