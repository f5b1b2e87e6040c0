import { type ComponentType, type ReactNode, useEffect, useState } from "react";

/**
 * Returns a component whose code is loaded when it is first shown. With `lazy`, React would show it
 * no sooner than 300 ms after the fallback, and its requests would begin only then.
 */
export function loadable<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  let Loaded: ComponentType<Props> | undefined;
  return function Loadable(props: Props): ReactNode {
    const [outcome, setOutcome] = useState<{ error?: unknown }>({});
    useEffect(() => {
      if (Loaded) return;
      load().then(
        (component) => {
          Loaded = component;
          setOutcome({});
        },
        (error: unknown) => setOutcome({ error }),
      );
    }, []);
    if (outcome.error) throw outcome.error;
    return Loaded ? <Loaded {...props} /> : <p className="waiting">Loading …</p>;
  };
}
