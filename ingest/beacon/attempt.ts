/** Nothing that goes wrong in the work may reach the page: then there is no result. */
export const attempt = <Result>(work: () => Result): Result | undefined => {
  try {
    return work();
  } catch {}
  return undefined;
};
