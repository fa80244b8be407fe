// What Gradio calls for each part of the page. `module` names a file below this folder, which may export
//   frame(host, {props, signal})                 draws what stands there before the studio is open
//   default (host, studio, {signal, framed})     builds the room; `framed` is what `frame` returned
// `signal` aborts when Gradio mounts the room again: listeners on the window and the document hang on it.

import { openStudio } from "./studio.js";

const mounted = new Map(); // part of the page -> AbortController of its newest mount

export async function mountRoom(module, { element, props }) {
  const part = `${module} ${props.value?.pane ?? ""}`;
  mounted.get(part)?.abort();
  const leaving = new AbortController();
  mounted.set(part, leaving);
  const { signal } = leaving;
  const host = element.querySelector(".room");
  host.replaceChildren();
  const { frame, default: build } = await import(`./${module}.js`);
  if (signal.aborted) return;
  const framed = frame?.(host, { props, signal });
  if (!build) return;
  const studio = await openStudio();
  if (!signal.aborted) await build(host, studio, { signal, framed });
}
