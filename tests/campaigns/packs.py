"""Every instrument as a pack, checked and played: what takes too long for the tests.

    python tests/campaigns/packs.py check FOLDER         all 128 instruments, every sixth key, read back by check-pack
    python tests/campaigns/packs.py hold FOLDER          their keys held for 12 s in sfizz and FluidSynth
    python tests/campaigns/packs.py velocity FOLDER      velocities 1 to 127 in both
    python tests/campaigns/packs.py polyphone FOLDER     their SoundFonts opened by Polyphone and by FluidSynth
    python tests/campaigns/packs.py options FOLDER       packs of many options, read back

FOLDER keeps every note that was rendered, so that a second run renders none, and the packs.
"""

import argparse
import hashlib
import json
import os
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
VARIED = {
    "stereo": {"stereo": True, "velocity_layers": 3, "formats": ["sfz", "dspreset", "sf2", "multisample"]},
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


def made(synth: Stored, folder: Path, instrument: str, name: str = "", **options) -> Path:
    """The pack of an instrument, made anew."""
    out = folder / "packs" / f"{instrument}{name}.zip"
    out.parent.mkdir(exist_ok=True)
    out.unlink(missing_ok=True)
    document = {"format": 1, "name": instrument, "items": [{"instrument": instrument}], "pitches": {"every": EVERY}}
    write_pack(PackPlan.from_json(document | options, synth.card), synth, out)
    return out


def unpacked(out: Path) -> Path:
    """The folder Multisamples of the pack at `out`, extracted beside it."""
    with zipfile.ZipFile(out) as archive:
        archive.extractall(out.with_suffix(""))
        return out.with_suffix("") / archive.namelist()[0].split("/")[0] / "Multisamples"


def check(synth: Stored, folder: Path, instruments: list[str]) -> int:
    formats = ["sfz", "dspreset", "sf2", "multisample"]
    faults = 0
    for number, instrument in enumerate(instruments):
        found = check_pack(made(synth, folder, instrument, formats=formats))
        lines = str(found).splitlines()
        print("\n".join(lines[bool(number) : -1]), flush=True)
        faults += len(found.faults)
    return faults


def options(synth: Stored, folder: Path, instruments: list[str]) -> int:
    faults = 0
    for instrument in instruments:
        for name, chosen in VARIED.items():
            found = check_pack(made(synth, folder, instrument, f" {name}", **chosen))
            print(name, "\n".join(str(found).splitlines()[1:-1]), flush=True)
            faults += len(found.faults)
    return faults


def hold(synth: Stored, folder: Path, instruments: list[str]) -> int:
    """Every key with a loop: how far its level runs from 1 s to 12 s, beside how far it runs before the key is let go
    in the note as it was rendered, over a quarter of a second."""
    far = 0
    for instrument in instruments:
        out = made(synth, folder, instrument, formats=["sfz", "sf2"])
        multisamples = unpacked(out)
        notes = json.loads((multisamples.parent / "manifest.json").read_text())["sounds"][0]
        looped = [note["pitch"] for note in notes["notes"] if "loop" in note]
        if not looped:
            continue
        player, font = (
            sfz_player(multisamples / f"{instrument}.sfz", RATE),
            SoundFont(multisamples / f"{instrument}.sf2"),
        )
        timbre = (
            PackPlan.from_json({"format": 1, "items": [{"instrument": instrument}], "pitches": 60}, synth.card)
            .items[0]
            .timbre
        )
        for pitch in looped:
            own = synth.render(timbre, [pitch]).audio[0]
            held = [player.render_note(pitch, 127, HELD_SECONDS, HELD_SECONDS)[0], font.play(pitch, 127, HELD_SECONDS)]
            natural = run_db(own[24000 // 2 : round(2.8 * 24000)], 24000, pitch)
            runs = [run_db(wave[RATE : round((HELD_SECONDS - 0.1) * RATE)], RATE, pitch) for wave in held]
            if max(runs) > max(3.0, natural + 3.0):
                far += 1
                print(
                    f"{instrument} {pitch}: own {natural:.1f} dB, sfizz {runs[0]:.1f}, FluidSynth {runs[1]:.1f}",
                    flush=True,
                )
    return far


def run_db(wave: np.ndarray, rate: int, pitch: int) -> float:
    levels, hop = level_curve(wave, rate, pitch)
    width = round(0.25 * rate / hop)
    return float(np.ptp(10 * np.log10(np.convolve(10 ** (levels / 10), np.ones(width) / width, "valid"))))


def velocity(synth: Stored, folder: Path, instruments: list[str]) -> int:
    """The largest step from one velocity to the next, in each player, with one layer and with four."""
    rough = 0
    for instrument in instruments:
        for layers in (1, 4):
            out = made(synth, folder, instrument, pitches=[60, 64], velocity_layers=layers, formats=["sfz", "sf2"])
            multisamples = unpacked(out)
            player = sfz_player(multisamples / f"{instrument}.sfz", RATE)
            font = SoundFont(multisamples / f"{instrument}.sf2", gain=2.0)
            curves = np.array(
                [
                    [level_db(play(v)[: RATE // 2]) for v in range(1, 128)]
                    for play in (
                        lambda v, player=player: player.render_note(60, v, 0.5, 0.6)[0].astype(float),
                        lambda v, font=font: font.play(60, v, 0.5),
                    )
                ]
            )
            steps = np.abs(np.diff(curves, axis=1)).max(axis=1)
            apart = np.abs((curves[0] - curves[0][-1]) - (curves[1] - curves[1][-1]))[10:].max()
            rough += steps.max() > 1.5
            print(
                f"{instrument}, {layers} layers: largest steps {steps[0]:.2f} (sfizz), {steps[1]:.2f} dB (FluidSynth); "
                f"from 127 to 1 {np.ptp(curves[0]):.1f} and {np.ptp(curves[1]):.1f} dB; apart {apart:.2f} dB",
                flush=True,
            )
    return rough


def polyphone(synth: Stored, folder: Path, instruments: list[str]) -> int:
    """SoundFonts of 16 and 24 bits, mono and stereo: converted to SFZ by Polyphone, loaded by FluidSynth."""
    bad = 0
    for number, instrument in enumerate(instruments):
        kind = {
            "subtype": ("PCM_16", "PCM_24")[number % 2],
            "stereo": number % 4 > 1,
            "velocity_layers": 1 + number % 3,
        }
        multisamples = unpacked(made(synth, folder, instrument, formats=["sf2"], **kind))
        font = multisamples / f"{instrument}.sf2"
        target = folder / "polyphone" / instrument
        target.mkdir(parents=True, exist_ok=True)
        told = subprocess.run(
            ["polyphone", "-3", "-i", str(font), "-d", str(target), "-o", instrument],
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
            capture_output=True,
            text=True,
            timeout=600,
        )
        regions = sum(path.read_text().count("<region>") for path in target.rglob("*.sfz"))
        heard = subprocess.run(
            ["fluidsynth", "-ni", "-F", "/dev/null", "-T", "raw", str(font)],
            capture_output=True,
            text=True,
            timeout=600,
        )
        warned = [
            line
            for line in heard.stderr.splitlines()
            if ("warning" in line.lower() or "error" in line.lower())
            and "No preset found on channel 9" not in line  # of any SoundFont without drums
        ]
        if told.returncode or not regions or warned:
            bad += 1
            print(
                f"{instrument}: Polyphone {told.returncode} {told.stderr[-200:]} {regions} regions; {warned}",
                flush=True,
            )
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    runs = {"check": check, "hold": hold, "velocity": velocity, "polyphone": polyphone, "options": options}
    parser.add_argument("what", choices=runs)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--instruments", nargs="*", help="default: all")
    parser.add_argument("--share", default="0/1", help="1/4: every fourth instrument, from the second on")
    arguments = parser.parse_args()
    Stored.notes = arguments.folder / "notes"
    Stored.notes.mkdir(parents=True, exist_ok=True)
    synth = Stored.load("studio", device="cpu")
    first, step = map(int, arguments.share.split("/"))
    wrong = runs[arguments.what](
        synth, arguments.folder, (arguments.instruments or list(synth.card.instruments))[first::step]
    )
    print(f"{wrong} wrong")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
