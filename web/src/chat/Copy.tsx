import { Button } from "@mantine/core";
import { useState } from "react";

import { text } from "../texts";

export function Copy({ words, variant }: { words: string; variant: "default" | "subtle" }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    setCopied(await put(words));
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <Button size="compact-xs" variant={variant} onClick={() => void copy()}>
      {copied ? text.copied : text.copy}
    </Button>
  );
}

/** Browsers keep their clipboard from pages that come by plain HTTP, but for the old command. */
async function put(words: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = words;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
