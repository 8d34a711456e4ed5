import 'react';

declare module 'react' {
  interface CSSProperties {
    [name: `--ff-${string}`]: string | undefined;
  }
}
