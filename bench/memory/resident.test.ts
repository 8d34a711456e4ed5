import { expect, it } from 'vitest';
import { mappedBy, parseMaps, residentOf } from './resident.ts';

const MIB = 1024;

/** A mapping as `/proc/PID/smaps` shows it, in MiB. */
function mapping(
  what: string,
  figures: { rss: number; pss: number; private: number; anonymous: number },
): string {
  return `7f0000000000-7f0010000000 r-xp 00000000 ${what}
Size:               4096 kB
Rss:            ${figures.rss * MIB} kB
Pss:            ${figures.pss * MIB} kB
Pss_Dirty:             0 kB
Shared_Clean:          0 kB
Private_Clean:  ${figures.private * MIB} kB
Private_Dirty:         0 kB
Anonymous:      ${figures.anonymous * MIB} kB
VmFlags: rd ex mr mw me
`;
}
const PROGRAM = 'fe:00 1234                       /usr/bin/a program';
const HEAP = '00:00 0                          [heap]';
const own = (mib: number) => mapping(HEAP, { rss: mib, pss: mib, private: mib, anonymous: mib });

it('counts what two processes share once, and their RSS twice', () => {
  const program = mapping(PROGRAM, { rss: 40, pss: 20, private: 0, anonymous: 0 });
  const two = [program + own(10), program + own(30)].map(parseMaps);
  expect(residentOf(two)).toEqual({
    onceMiB: 80,
    pssMiB: 80,
    rssMiB: 120,
    privateMiB: 40,
    anonymousMiB: 40,
  });
});

it('does not leave to others on the machine a share of the file that they map, too', () => {
  const program = mapping(PROGRAM, { rss: 40, pss: 5, private: 0, anonymous: 0 });
  const two = [program + own(10), program].map(parseMaps);
  expect(residentOf(two)).toMatchObject({ pssMiB: 20, onceMiB: 50 });
});

it('adds the mappings of a file, and takes no file for another', () => {
  const other = PROGRAM.replace('1234', '5678');
  const part = (what: string) => mapping(what, { rss: 10, pss: 1, private: 0, anonymous: 0 });
  expect(residentOf([part(PROGRAM) + part(PROGRAM) + part(other)].map(parseMaps))).toMatchObject({
    pssMiB: 3,
    onceMiB: 30,
  });
});

it('reads the memory of a process that runs, and nothing of one that does not', () => {
  const self = mappedBy(process.pid);
  const { rssMiB, onceMiB, privateMiB } = residentOf(self === undefined ? [] : [self]);
  expect(rssMiB).toBeGreaterThan(20);
  expect(onceMiB).toBeCloseTo(rssMiB, 0);
  expect(privateMiB).toBeLessThan(rssMiB);
  expect(mappedBy(2 ** 30)).toBeUndefined();
});
