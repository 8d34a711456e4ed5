/** Placeholder */
export function calmIdleConnections(): void {}
