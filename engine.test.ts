import { expect, test } from 'vitest';
import { EngineUrlError, pickEngine } from './engine.ts';

const engines = { lmdb: 'the embedded one', kafka: 'the networked one' };

test('the scheme picks the engine', () => {
  expect(pickEngine('event log', 'kafka://one:9092', engines)).toBe('the networked one');
});

test.each(['redis://x', 'toString://x', 'nonsense', ''])(
  'an unknown scheme lists the known ones: %s',
  (url) => {
    expect(() => pickEngine('event log', url, engines)).toThrow(EngineUrlError);
    expect(() => pickEngine('event log', url, engines)).toThrow('known: lmdb://, kafka://');
  },
);

test.each(['hunter2', ':hunter2@host/db', 'user:hunter2@host', 'mysql://user:hunter2@host/db'])(
  'a password in what is no known URL is not repeated: %s',
  (url) => {
    expect(() => pickEngine('session store', url, engines)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  },
);
