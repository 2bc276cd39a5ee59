import { useEffect, useRef } from "react";

/** What renders formulas is loaded when there is one; until then, and if it cannot be, or the
    formula is none, its source. */
export function Formula({ source, display }: { source: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let wanted = true;
    void import("temml").then(
      ({ default: temml }) => {
        if (!wanted || !place.current) return;
        try {
          temml.render(source, place.current, { displayMode: display, throwOnError: true, trust: false });
        } catch {
          place.current.textContent = source;
        }
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
