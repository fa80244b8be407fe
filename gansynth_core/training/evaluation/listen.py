"""A page of notes to listen to, real and made: a folder of its own that needs no server."""

import html
from collections.abc import Sequence
from pathlib import Path

from gansynth_core.pitches import pitch_label
from gansynth_core.sound import Clip
from gansynth_core.training.evaluation.judged import Judged, Sounds

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d9d9e0, #34343e); --soft: light-dark(#5d5d6b, #a3a3b3); }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1rem 4rem; font: 16px/1.5 system-ui, sans-serif;
  background: light-dark(#fbfbfd, #17171c); color: light-dark(#1c1c22, #ececf1); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
p { color: var(--soft); margin: 0 0 1.5rem; max-width: 46rem; }
section { display: grid; gap: .5rem 1rem; grid-template-columns: 12rem 1fr; padding: .9rem 0;
  border-top: 1px solid var(--line); }
section > div { display: grid; gap: .5rem 1rem; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
h2 { font-size: 1rem; margin: 0; text-wrap: balance; }
h2 small { display: block; font-weight: 400; color: var(--soft); }
label { display: grid; gap: .2rem; font-size: .85rem; color: var(--soft); min-width: 0; }
audio { width: 100%; height: 2.4rem; }
@media (max-width: 46rem) { section { grid-template-columns: 1fr; } }
"""
# Two notes at once cannot be compared.
_SCRIPT = """
document.addEventListener("play", event => {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);
"""


def write_page(folder: Path, shown: Sequence[tuple[Judged, Sounds]], sample_rate: int, name: str) -> None:
    """Make `folder` with index.html and the WAVs of `shown`: notes with their sound float32 [samples] by kind. name:
    what the model is called."""
    folder.mkdir()
    sections = []
    for note, waves in sorted(shown, key=lambda item: item[0].family):
        players = []
        for kind, wave in waves.items():
            file = f"{note.instrument}_{pitch_label(note.pitch)}_{kind}.wav"
            Clip(wave, sample_rate).save(folder / file, subtype="PCM_16")
            title = name if kind == "model" else kind.rstrip("_0123456789").replace("_", " ")
            players.append(
                f'<label>{html.escape(title)}<audio controls preload="none" src="{html.escape(file)}"></audio></label>'
            )
        instrument = html.escape(note.instrument.replace("_", " "))
        heading = f"<h2>{instrument}<small>{html.escape(note.family)}, key {note.pitch:g}</small></h2>"
        sections.append(f"<section>{heading}<div>{''.join(players)}</div></section>")
    title, newline = html.escape(f"{name} and real notes"), "\n"
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>Held-out notes, which no training has seen: of every family the one nearest to middle C. The model plays the same
instrument and key with a latent drawn at random, and again from two other seeds; a reconstruction starts from what the
encoder heard in the real note.</p>
{newline.join(sections)}
<script>{_SCRIPT}</script>
</body>
</html>
"""
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
