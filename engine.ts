/** Picks an engine by the scheme of its URL. */

export class UnknownEngineError extends Error {
  override readonly name = 'UnknownEngineError';
}

/** @throws UnknownEngineError listing the schemes that are known */
export function pickEngine<Open>(what: string, url: string, engines: Record<string, Open>): Open {
  const scheme = url.slice(0, Math.max(0, url.indexOf(':')));
  const open = Object.hasOwn(engines, scheme) ? engines[scheme] : undefined;
  if (open !== undefined) return open;
  const known = Object.keys(engines).map((name) => `${name}://`);
  throw new UnknownEngineError(`${what}: no engine for ${scheme || url}://, known: ${known.join(', ')}`);
}
