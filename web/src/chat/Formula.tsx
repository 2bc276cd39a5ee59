import { useEffect, useRef } from "react";

/** What renders formulas is loaded when there is one; until then, and if it cannot be, its source. */
export function Formula({ source, display }: { source: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let wanted = true;
    void import("temml").then(
      ({ default: temml }) => {
        if (!wanted || !place.current) return;
        temml.render(source, place.current, { displayMode: display, throwOnError: false, trust: false });
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [source, display]);
  return (
    <span className={display ? "formula display" : "formula"} ref={place} key={source}>
      {source}
    </span>
  );
}
