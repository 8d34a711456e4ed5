/**
 * Relinks a native addon that was built against glibc 2.38 so that an older glibc can load it.
 *
 * Compilers that know C23 turn `strtol` and its kin into `__isoc23_strtol` and so on, which glibc has since 2.38. Those
 * differ from the old functions only in that they also read `0b101`. Where an addon needs nothing else of 2.38, its
 * symbol table can just as well name the old ones, and two changes to a copy of the file do that:
 *
 *     .dynsym          the name of each such symbol begins 9 bytes later in the same string: behind `__isoc23_`
 *     .gnu.version_r   the entry that says GLIBC_2.38 says the oldest glibc of the architecture, which has them all
 *
 * Each step checks that it finds what it expects, and refuses any other file.
 * Formats: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html and
 * https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
 */

const LIBRARY = 'libc.so.6';
const NEEDED = 'GLIBC_2.38';
const PREFIX = '__isoc23_';
const RENAMED = ['strtol', 'strtoul', 'strtoll', 'strtoull'].map((name) => PREFIX + name);

/** The oldest glibc by e_machine: x86-64 and AArch64. */
const OLDEST: Record<number, string> = { 62: 'GLIBC_2.2.5', 183: 'GLIBC_2.17' };

/** 64 bits, little endian, version 1. */
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
const DYNSYM = 11;
const VERSION_NEEDS = 0x6ffffffe;
const SYMBOL_VERSIONS = 0x6fffffff;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;
const VERSION_INDEX = 0x7fff;

interface Section {
  type: number;
  offset: number;
  size: number;
  link: number;
}

/** What a file needs of one version of one library. */
interface VersionNeed {
  /** Where its entry begins in the file. */
  offset: number;
  version: string;
  index: number;
}

/**
 * Answers a copy of `addon` that asks for no symbol of glibc 2.38.
 * @throws Error, or RangeError where the file ends too early, when the file is anything but what the above describes
 */
export function withoutGlibc238(addon: Buffer): Buffer {
  verify(addon.subarray(0, MAGIC.length).equals(MAGIC), 'it is no ELF file of 64 bits, little endian');
  const oldest = OLDEST[addon.readUInt16LE(18)];
  verify(oldest !== undefined, 'it is neither for x64 nor for arm64');

  const sections = readSections(addon);
  const symbols = sectionOf(sections, DYNSYM);
  const versions = sectionOf(sections, SYMBOL_VERSIONS);
  const needs = sectionOf(sections, VERSION_NEEDS);
  verify(versions.size / 2 === symbols.size / SYMBOL_BYTES, 'not every symbol has a version');
  verify(needs.link === symbols.link, 'symbols and versions have different strings');
  const strings = sections[symbols.link];
  verify(strings !== undefined, 'it has no strings');
  const text = (at: number) => {
    verify(at < strings.size, 'a name lies outside its strings');
    return addon.toString('latin1', strings.offset + at, addon.indexOf(0, strings.offset + at));
  };

  const ofLibrary = readVersionNeeds(addon, needs, text);
  const tooNew = only(ofLibrary, NEEDED);
  const old = only(ofLibrary, oldest);

  const copy = Buffer.from(addon);
  for (let i = 0; i < symbols.size / SYMBOL_BYTES; i += 1) {
    if ((addon.readUInt16LE(versions.offset + i * 2) & VERSION_INDEX) !== tooNew.index) continue;
    const symbol = symbols.offset + i * SYMBOL_BYTES;
    const name = addon.readUInt32LE(symbol);
    verify(RENAMED.includes(text(name)), `it needs ${text(name)} of ${NEEDED}`);
    verify(addon.readUInt16LE(symbol + 6) === 0, `it defines ${text(name)} itself`);
    copy.writeUInt32LE(name + PREFIX.length, symbol);
  }
  // An entry is: hash of the version (4 bytes), flags (2), index (2), name (4), distance to the next (4).
  addon.copy(copy, tooNew.offset, old.offset, old.offset + 4);
  addon.copy(copy, tooNew.offset + 8, old.offset + 8, old.offset + 12);
  return copy;
}

function readSections(addon: Buffer): Section[] {
  const table = Number(addon.readBigUInt64LE(40));
  verify(addon.readUInt16LE(58) === SECTION_BYTES, 'its sections have an unknown size');
  return Array.from({ length: addon.readUInt16LE(60) }, (_, i) => {
    const at = table + i * SECTION_BYTES;
    return {
      type: addon.readUInt32LE(at + 4),
      offset: Number(addon.readBigUInt64LE(at + 24)),
      size: Number(addon.readBigUInt64LE(at + 32)),
      link: addon.readUInt32LE(at + 40),
    };
  });
}

function sectionOf(sections: Section[], type: number): Section {
  const [section, ...others] = sections.filter((one) => one.type === type);
  verify(section !== undefined && others.length === 0, `it has not just one section of type ${type}`);
  return section;
}

/** A list of lists: a library, then as many of its versions as it says. Each entry tells where the next one is. */
function readVersionNeeds(addon: Buffer, section: Section, text: (at: number) => string): VersionNeed[] {
  const found: VersionNeed[] = [];
  let library = section.offset;
  for (;;) {
    if (text(addon.readUInt32LE(library + 4)) === LIBRARY) {
      let offset = library + addon.readUInt32LE(library + 8);
      for (let left = addon.readUInt16LE(library + 2); left > 0; left -= 1) {
        found.push({
          offset,
          version: text(addon.readUInt32LE(offset + 8)),
          index: addon.readUInt16LE(offset + 6),
        });
        offset += addon.readUInt32LE(offset + 12);
      }
    }
    const distance = addon.readUInt32LE(library + 12);
    if (distance === 0) return found;
    library += distance;
  }
}

function only(needs: VersionNeed[], version: string): VersionNeed {
  const [need, ...others] = needs.filter((one) => one.version === version);
  verify(need !== undefined && others.length === 0, `it has not just one entry for ${version} of ${LIBRARY}`);
  return need;
}

function verify(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(`the addon cannot be relinked for an older glibc: ${otherwise}`);
}
