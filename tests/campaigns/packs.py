"""Every instrument as a pack, checked and played: what takes too long for the tests.

    python tests/campaigns/packs.py check FOLDER         all 128 instruments, every sixth key, read back by check-pack
    python tests/campaigns/packs.py hold FOLDER          their keys held for 12 s in sfizz and FluidSynth
    python tests/campaigns/packs.py polyphone FOLDER     their SoundFonts opened by Polyphone and by FluidSynth
    python tests/campaigns/packs.py velocity FOLDER      velocities 1 to 127 in both
    python tests/campaigns/packs.py options FOLDER       packs of many options, read back, their SoundFonts opened too

Several at once (`check hold polyphone FOLDER`) make each pack but once. FOLDER keeps every note that was rendered, so
that a second run renders none, and the packs. `--share 0/2` and `--share 1/2` are half of the instruments each.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np
from packtools import SoundFont, level_db, sfz_player

from gansynth_core import PackPlan, Synth, check_pack, write_pack
from gansynth_core.packs.loops import level_curve
from gansynth_core.sound import Clips

EVERY = 6
RATE = 44100
HELD_SECONDS = 12.0
FORMATS = ["sfz", "dspreset", "sf2", "multisample"]
VARIED = {
    "stereo": {"stereo": True, "velocity_layers": 3},
    "takes": {"round_robins": 3, "level": "note", "subtype": "PCM_16"},
    "loud": {"measure": "loudness", "level": "note", "sample_rate": 48000},
    "quiet": {"measure": "loudness", "loudness_lufs": -20, "subtype": "FLOAT"},
    "op-xy": {"device": "op-xy", "formats": []},
    "tonverk": {"device": "tonverk", "velocity_layers": 2, "round_robins": 2},
    "short": {"seconds": 2.0, "naming": "marketplace", "sample_rate": 24000},
}


class Stored(Synth):
    """A Synth that keeps every note it has rendered as a file."""

    notes: Path

    def render(self, timbre, pitches, **options) -> Clips:
        pitches = list(pitches)
        timbres = timbre if isinstance(timbre, list | tuple) else [timbre] * len(pitches)
        paths = [self.notes / self._name(one, pitch) for one, pitch in zip(timbres, pitches, strict=True)]
        missing = [number for number, path in enumerate(paths) if not path.exists()]
        if missing:
            some = [timbres[number] for number in missing], [pitches[number] for number in missing]
            for number, wave in zip(missing, super().render(*some, background=True).audio, strict=True):
                partial = paths[number].with_suffix(f".{os.getpid()}.npy")
                np.save(partial, wave)
                partial.replace(paths[number])
        return Clips(np.stack([np.load(path) for path in paths]), self.card.specgram.sample_rate, tuple(pitches))

    @staticmethod
    def _name(timbre, pitch) -> str:
        return hashlib.sha256(json.dumps([timbre.to_json(), float(pitch)]).encode()).hexdigest()[:32] + ".npy"


class Packs:
    """The packs of one instrument, each made once."""

    def __init__(self, synth: Stored, folder: Path, instrument: str) -> None:
        self.synth, self.folder, self.instrument = synth, folder, instrument
        self._made: dict[str, Path] = {}

    def made(self, name: str = "", **options) -> Path:
        """The pack `name` of the instrument, of all formats unless `options` say otherwise."""
        if name not in self._made:
            out = self.folder / "packs" / f"{self.instrument}{name}.zip"
            out.parent.mkdir(exist_ok=True)
            out.unlink(missing_ok=True)
            shutil.rmtree(out.with_name(out.name + ".work"), ignore_errors=True)
            document = {"format": 1, "name": self.instrument, "items": [{"instrument": self.instrument}]}
            document |= {"pitches": {"every": EVERY}, "formats": FORMATS} | options
            write_pack(PackPlan.from_json(document, self.synth.card), self.synth, out)
            self._made[name] = out
        return self._made[name]

    def unpacked(self, name: str = "", **options) -> Path:
        """The folder Multisamples of that pack, extracted beside it."""
        out = self.made(name, **options)
        with zipfile.ZipFile(out) as archive:
            archive.extractall(out.with_suffix(""))
            return out.with_suffix("") / archive.namelist()[0].split("/")[0] / "Multisamples"

    def done(self) -> None:
        """Remove what was unpacked."""
        for out in self._made.values():
            shutil.rmtree(out.with_suffix(""), ignore_errors=True)


def check(packs: Packs) -> list[str]:
    found = check_pack(packs.made())
    print(*str(found).splitlines()[1:2], sep="\n", flush=True)
    return found.faults


def options(packs: Packs) -> list[str]:
    wrong = []
    for name, chosen in VARIED.items():
        wrong += [f"{name}: {fault}" for fault in check_pack(packs.made(f" {name}", **chosen)).faults]
        if "device" not in chosen:
            fonts = packs.unpacked(f" {name}").glob("*.sf2")
            wrong += [f"{name}: {fault}" for font in fonts for fault in refused(font, packs.folder)]
    return wrong


def hold(packs: Packs) -> list[str]:
    """Every key with a loop: how far its level runs from 1 s to 12 s, beside how far it runs before the key is let go
    in the note as it was rendered, over a quarter of a second."""
    multisamples, wrong = packs.unpacked(), []
    notes = json.loads((multisamples.parent / "manifest.json").read_text())["sounds"][0]
    looped = [note["pitch"] for note in notes["notes"] if "loop" in note]
    if not looped:
        return []
    player = sfz_player(multisamples / f"{packs.instrument}.sfz", RATE)
    font = SoundFont(multisamples / f"{packs.instrument}.sf2")
    plan = PackPlan.from_json(
        {"format": 1, "items": [{"instrument": packs.instrument}], "pitches": 60}, packs.synth.card
    )
    own_rate = packs.synth.card.specgram.sample_rate
    worst = 0.0
    for pitch in looped:
        own = packs.synth.render(plan.items[0].timbre, [pitch]).audio[0]
        held = [player.render_note(pitch, 127, HELD_SECONDS, HELD_SECONDS)[0], font.play(pitch, 127, HELD_SECONDS)]
        natural = run_db(own[own_rate // 2 : round(2.8 * own_rate)], own_rate, pitch)
        runs = [run_db(wave[RATE : round((HELD_SECONDS - 0.1) * RATE)], RATE, pitch) for wave in held]
        worst = max(worst, *runs)
        if max(runs) > max(3.0, natural + 3.0):
            wrong.append(f"{pitch}: own {natural:.1f} dB, sfizz {runs[0]:.1f}, FluidSynth {runs[1]:.1f}")
    print(f"  {len(looped)} keys held for {HELD_SECONDS:.0f} s run over {worst:.1f} dB at most", flush=True)
    return wrong


def run_db(wave: np.ndarray, rate: int, pitch: int) -> float:
    levels, hop = level_curve(wave, rate, pitch)
    width = round(0.25 * rate / hop)
    return float(np.ptp(10 * np.log10(np.convolve(10 ** (levels / 10), np.ones(width) / width, "valid"))))


def velocity(packs: Packs) -> list[str]:
    """The largest step from one velocity to the next, in each player, with one layer and with four."""
    wrong = []
    for layers in (1, 4):
        multisamples = packs.unpacked(f" {layers} layers", pitches=[60, 64], velocity_layers=layers)
        player = sfz_player(multisamples / f"{packs.instrument}.sfz", RATE)
        font = SoundFont(multisamples / f"{packs.instrument}.sf2", gain=2.0)
        plays = (
            lambda v, player=player: player.render_note(60, v, 0.5, 0.6)[0].astype(float),
            lambda v, font=font: font.play(60, v, 0.5),
        )
        curves = np.array([[level_db(play(v)[: RATE // 2]) for v in range(1, 128)] for play in plays])
        steps = np.abs(np.diff(curves, axis=1)).max(axis=1)
        apart = np.abs((curves[0] - curves[0][-1]) - (curves[1] - curves[1][-1]))[10:].max()
        told = (
            f"{layers} layers: largest steps {steps[0]:.2f} (sfizz), {steps[1]:.2f} dB (FluidSynth); "
            f"from 127 to 1 {np.ptp(curves[0]):.1f} and {np.ptp(curves[1]):.1f} dB; apart {apart:.2f} dB"
        )
        print(f"  {told}", flush=True)
        wrong += [told] * bool(steps.max() > 1.5)
    return wrong


def polyphone(packs: Packs) -> list[str]:
    return refused(packs.unpacked() / f"{packs.instrument}.sf2", packs.folder)


def refused(font: Path, folder: Path) -> list[str]:
    """What Polyphone, which makes an SFZ of the SoundFont at `font`, and FluidSynth, which loads it, complain of."""
    target = folder / "polyphone" / font.parent.parent.parent.name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    told = subprocess.run(
        ["polyphone", "-3", "-i", str(font), "-d", str(target), "-o", font.stem],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    regions = sum(path.read_text().count("<region>") for path in target.rglob("*.sfz"))
    shutil.rmtree(target)
    heard = subprocess.run(
        ["fluidsynth", "-ni", "-F", "/dev/null", "-T", "raw", str(font)], capture_output=True, text=True, timeout=600
    )
    wrong = [f"FluidSynth: {line}" for line in heard.stderr.splitlines() if "warning" in line or "error" in line]
    # A file of no drums has none to play on channel 10.
    wrong = [line for line in wrong if "No preset found on channel 9" not in line]
    if told.returncode or not regions:
        wrong.append(f"Polyphone {told.returncode}: {told.stderr[-200:]} {regions} regions")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    runs = {"check": check, "hold": hold, "velocity": velocity, "polyphone": polyphone, "options": options}
    parser.add_argument("what", choices=runs, nargs="+")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--instruments", nargs="*", help="default: all")
    parser.add_argument("--share", default="0/1", help="1/4: every fourth instrument, from the second on")
    arguments = parser.parse_args()
    Stored.notes = arguments.folder / "notes"
    Stored.notes.mkdir(parents=True, exist_ok=True)
    synth = Stored.load("studio", device="cpu")
    first, step = map(int, arguments.share.split("/"))
    wrong = 0
    for instrument in (arguments.instruments or list(synth.card.instruments))[first::step]:
        packs = Packs(synth, arguments.folder, instrument)
        for what in arguments.what:
            found = runs[what](packs)
            wrong += len(found)
            print(*(f"{instrument}, {what}: WRONG: {fault}\n" for fault in found), sep="", end="", flush=True)
        packs.done()
    print(f"{wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
