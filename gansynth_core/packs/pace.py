"""How fast this machine makes packs now: a few notes rendered and written, and timed."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gansynth_core.latent import sample
from gansynth_core.packs import quality
from gansynth_core.packs.items import PackItem
from gansynth_core.packs.plan import Pace, PackPlan
from gansynth_core.packs.sound_writer import SoundWriter
from gansynth_core.synth import Synth

MEASURED = "pace"


def measure_pace(synth: Synth) -> Pace:
    """The pace at this moment, whatever else the machine does, from two notes: a quarter of a second on two quiet
    cores. Raises OSError if nothing can be written."""
    low, high = synth.card.pitch_low, synth.card.pitch_high
    middle = (low + high) // 2
    plan = PackPlan((PackItem(MEASURED, sample(synth.card, 1, 0)[0]),), (middle, min(middle + 6, high)), name=MEASURED)
    plan = replace(plan, rejects="keep")
    with tempfile.TemporaryDirectory() as folder:
        writer = SoundWriter(plan, synth, Path(folder), plan.file_name, quality.Heard())
        timbres, pitches = zip(*writer.wanted(plan.items[0].timbre), strict=True)
        begun = time.perf_counter()
        audio = synth.render(timbres, pitches, background=True).audio
        rendered = time.perf_counter()
        writer.write(MEASURED, plan.items[0], audio)
        written = time.perf_counter()
    return Pace((rendered - begun) / plan.renders, (written - rendered) / plan.notes)
