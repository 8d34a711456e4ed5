// Fails where what is delivered has known vulnerabilities of level high or critical. A registry that answers no audit is no
// vulnerability: that is said, and the check passes.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const audit = spawnSync('npm', ['audit', '--omit=dev', '--audit-level=high', '--json'], {
  cwd: resolve(process.argv[2] ?? '.'),
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
const report = parse(audit.stdout);

if (report?.vulnerabilities !== undefined) {
  const serious = Object.values(report.vulnerabilities).filter(({ severity }) =>
    /^(high|critical)$/.test(severity),
  );
  for (const { name, severity, range, via } of serious)
    console.error(`${name} ${range}: ${severity}: ${reasons(via)}`);
  // npm decides; the list above only says what it found.
  if (audit.status !== 0) process.exit(1);
  console.log('no vulnerability of level high or critical is known in what is delivered');
} else if (report?.message !== undefined) {
  console.warn(
    `WARNING: vulnerabilities were not checked, since the registry answers no audit: ${report.message}`,
  );
} else {
  console.error(
    audit.error ?? (audit.stderr || audit.stdout || `npm audit ended by ${audit.signal ?? audit.status}`),
  );
  process.exit(1);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A vulnerability comes with a title and an address, or by the name of the package that has it. */
function reasons(via) {
  return via
    .map((cause) => (typeof cause === 'string' ? `by ${cause}` : `${cause.title} ${cause.url}`))
    .join('; ');
}
