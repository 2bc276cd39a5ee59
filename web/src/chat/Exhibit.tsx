import { Anchor, Loader } from "@mantine/core";
import { useEffect, useState } from "react";

import { text } from "../texts";
import { fetchMedia } from "./api";
import type { Media } from "./turn";

/** What a tool brought: a picture is shown, a sound can be played, all else is saved. */
export function Exhibit({ turn, media }: { turn: string; media: Media }) {
  return media.kind === "image" || media.kind === "voice" ? (
    <Seen turn={turn} media={media} />
  ) : (
    <Saved turn={turn} media={media} />
  );
}

function Seen({ turn, media }: { turn: string; media: Media }) {
  const [url, setUrl] = useState("");
  const [lost, setLost] = useState(false);
  useEffect(() => {
    const leaving = new AbortController();
    let made = "";
    fetchMedia(turn, media.path, leaving.signal)
      .then((blob) => {
        if (leaving.signal.aborted) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      })
      .catch(() => leaving.signal.aborted || setLost(true));
    return () => {
      leaving.abort();
      URL.revokeObjectURL(made);
    };
  }, [turn, media.path]);
  // What this browser cannot show it can still save.
  if (lost) return <Saved turn={turn} media={media} />;
  if (!url) return <Loader size="xs" type="dots" aria-label={media.name} />;
  return media.kind === "image" ? (
    <img className="exhibit" src={url} alt={media.name} title={media.name} onError={() => setLost(true)} />
  ) : (
    <audio className="exhibit" src={url} title={media.name} controls onError={() => setLost(true)} />
  );
}

function Saved({ turn, media }: { turn: string; media: Media }) {
  const [lost, setLost] = useState(false);
  const save = () =>
    fetchMedia(turn, media.path)
      .then((blob) => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(blob);
        link.download = media.name;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
        setLost(false);
      })
      .catch(() => setLost(true));
  return (
    <Anchor component="button" type="button" size="sm" ta="left" onClick={save}>
      {text.save} {media.name}
      {media.size !== null && ` (${sized(media.size)})`}
      {lost && ` – ${text.notLoaded}`}
    </Anchor>
  );
}

function sized(bytes: number): string {
  return bytes >= 1024 ** 2 ? `${(bytes / 1024 ** 2).toFixed(1)} MB` : `${Math.max(1, Math.floor(bytes / 1024))} KB`;
}
