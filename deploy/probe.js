// Asks a service in its container how it is; what it says shows in `docker inspect`.
try {
  const response = await fetch(process.argv[2] ?? '', { signal: AbortSignal.timeout(4_000) });
  console.log(await response.text());
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  console.log(String(error));
  process.exitCode = 1;
}
