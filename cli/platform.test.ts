import { describe, expect, it } from 'vitest';
import { missingHere } from './platform.ts';

const GLIBC = () => ({ header: { glibcVersionRuntime: '2.36' } });
const MUSL = () => ({ header: {} });

describe('what is missing here', () => {
  it('is nothing on the system that these tests run on', () => {
    expect(missingHere()).toEqual([]);
  });

  it.each(['20.19.0', '22.12.0', '24.0.0'])('is nothing with Node %s', (node) => {
    expect(missingHere(node, 'linux-x64', GLIBC)).toEqual([]);
  });

  it.each(['18.20.8', '21.7.3', '25.1.0', '26.0.0'])('is a supported Node where %s runs', (node) => {
    expect(missingHere(node, 'linux-x64', GLIBC)).toEqual([`Node ${node} is not supported: use 20, 22, 24.`]);
  });

  it.each(['win32-x64', 'linux-arm', 'freebsd-x64'])('is a supported platform on %s', (platform) => {
    expect(missingHere('22.12.0', platform, GLIBC)).toEqual([
      `${platform} is not supported: the engines come for linux-x64, linux-arm64, darwin-x64, darwin-arm64.`,
    ]);
  });

  it('is glibc on a Linux with musl', () => {
    expect(missingHere('22.12.0', 'linux-x64', MUSL)).toEqual([
      expect.stringMatching(/no glibc.*Alpine.*Debian, Ubuntu/),
    ]);
  });

  it('is never glibc on macOS', () => {
    expect(missingHere('22.12.0', 'darwin-arm64', MUSL)).toEqual([]);
  });

  it('is each thing in a sentence of its own', () => {
    expect(missingHere('18.20.8', 'linux-arm64', MUSL)).toHaveLength(2);
  });
});
