/** Says what is missing before anything is opened on a system that cannot run the embedded engines. */
import Type from 'typebox';
import Value from 'typebox/value';

const NODE_MAJORS = [20, 22, 24];
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

const Report = Type.Object({ header: Type.Object({ glibcVersionRuntime: Type.Optional(Type.String()) }) });

/** What keeps Footfall from running here, a sentence each; empty when nothing does. */
export function missingHere(
  node = process.versions.node,
  platform = `${process.platform}-${process.arch}`,
  readReport: () => unknown = () => process.report.getReport(),
): string[] {
  const missing: string[] = [];
  if (!NODE_MAJORS.includes(Number(node.split('.')[0]))) {
    missing.push(`Node ${node} is not supported: use ${NODE_MAJORS.join(', ')}.`);
  }
  if (!PLATFORMS.includes(platform)) {
    missing.push(`${platform} is not supported: the engines come for ${PLATFORMS.join(', ')}.`);
  } else if (platform.startsWith('linux') && !hasGlibc(readReport())) {
    missing.push(
      'This Linux has no glibc (Alpine?): the engines are built for glibc. Use Debian, Ubuntu or the like.',
    );
  }
  return missing;
}

function hasGlibc(report: unknown): boolean {
  return Value.Check(Report, report) && report.header.glibcVersionRuntime !== undefined;
}
