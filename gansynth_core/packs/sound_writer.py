"""One sound of a pack, from rendered notes to files: judged, cleaned, looped, levelled, mapped."""

import base64
import dataclasses
import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import AudioError
from gansynth_core.files import replacing, sync
from gansynth_core.latent import Timbre
from gansynth_core.packs import opxy, quality, tonverk
from gansynth_core.packs.check import check_instrument, check_note
from gansynth_core.packs.decentsampler import dspreset
from gansynth_core.packs.devices import DEVICES
from gansynth_core.packs.items import PackItem
from gansynth_core.packs.levels import gain_for, gains, goals, limited, loudness_lufs, true_peak
from gansynth_core.packs.loops import evened, holds, looped, steadied
from gansynth_core.packs.multisample import write_multisample
from gansynth_core.packs.naming import SOFTWARE, note_name
from gansynth_core.packs.plan import PackPlan
from gansynth_core.packs.sf2 import write_sf2
from gansynth_core.packs.sfz import sfz
from gansynth_core.packs.shaping import begun, cleaned, ended, softer, widened
from gansynth_core.packs.takes import ATTEMPTS, replacement, take
from gansynth_core.packs.wav import write_wav
from gansynth_core.packs.zones import Zone, key_ranges, velocity_ranges
from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import Envelope
from gansynth_core.sustain import LOOPABLE, Loop, crossfaded
from gansynth_core.synth import Synth

Wave = NDArray[np.float32]

AFTER_SECONDS = 0.5  # a shortened note keeps after its hold, for a cross-fade and a release


class _Take(NamedTuple):
    """A rendered note: which take (from 0) of which pitch, its fault, and its fingerprint if it is finite."""

    turn: int
    pitch: int
    wave: Wave
    fault: str | None
    print_: quality.Fingerprint | None


class SoundWriter:
    """Writes the sounds of `plan`, one after the other, into the folder `pack`; `heard` knows those already written."""

    def __init__(self, plan: PackPlan, synth: Synth, pack: Path, title: str, heard: quality.Heard) -> None:
        self.plan, self.synth, self.pack, self.title, self.heard = plan, synth, pack, title, heard
        self.card = synth.card
        self.rights = plan.rights.of(synth.card)
        self.notes = [(turn, pitch) for turn in range(plan.round_robins) for pitch in plan.pitches]

    def wanted(self, timbre: Timbre) -> list[tuple[Timbre, int]]:
        """The notes (timbre, pitch) to be rendered for a sound, in the order in which `write` wants them."""
        takes = self._takes_of(timbre)
        return [(takes[turn], pitch) for turn, pitch in self.notes]

    def write(self, name: str, item: PackItem, audio: Wave) -> dict[str, Any]:
        """Write the sound `item` as `name` with its notes `audio` float32 [notes, samples] and return its record for
        the manifest, which also has fingerprints for `remember`. Raises OSError."""
        takes, timbre, attempt = self._judged(audio), item.timbre, 0
        if self.plan.rejects == "reroll" and _faults(takes):
            timbre, takes, attempt = self._rerolled(timbre, takes)
        kept = [t for t in takes if t.fault is None or (self.plan.rejects == "keep" and t.print_ is not None)]
        kept.sort(key=lambda take: (take.pitch, take.turn))
        notes = self._files(name, dataclasses.replace(item, timbre=timbre), kept)
        record: dict[str, Any] = {"timbre": timbre.to_json()}
        if item.envelope:
            record["envelope"] = dataclasses.asdict(item.envelope)
        record["notes"] = notes
        record["left_out"] = [self._place(t) | {"reason": t.fault} for t in takes if all(t is not one for one in kept)]
        if self.plan.round_robins > 1:
            record["takes"] = [take.to_json() for take in self._takes_of(timbre)[1:]]
        if attempt:
            record["rerolled"] = attempt
        if found := self._checked(name, notes):
            record["check"] = found
        self.remember(name, record)
        return record

    def _checked(self, name: str, notes: Sequence[Mapping[str, Any]]) -> list[str]:
        """What is wrong with the files of a sound, read back: see check.py."""
        waves = [self.pack / note["file"] for note in notes]
        if not self.plan.several or not waves:
            return [
                f"{wave.name}: {fault}" for wave in waves for fault in check_note(wave.name, wave.read_bytes()).faults
            ]
        beside = [path for path in waves[0].parent.parent.glob(f"{glob.escape(name)}.*") if path.is_file()]
        inside = [path for path in waves[0].parent.iterdir() if path.suffix in (".json", tonverk.ENDING)]
        return list(check_instrument(name, waves, sorted(beside + inside)).faults)

    def remember(self, name: str, record: Mapping[str, Any]) -> None:
        """Remember the sound of a record, so that duplicates are recognised."""
        for note in record["notes"]:
            if "fingerprint" in note:
                code = np.frombuffer(base64.b64decode(note["fingerprint"]), np.uint8)
                self.heard.add(name, note["pitch"], code.reshape(quality.PARTS, quality.BANDS))

    def _takes_of(self, timbre: Timbre) -> list[Timbre]:
        return [take(timbre, self.card, turn) for turn in range(self.plan.round_robins)]

    def _judged(self, audio: Wave) -> list[_Take]:
        """A sound is a duplicate only if all its notes are: an instrument does not lose single notes."""
        rate = self.card.specgram.sample_rate
        if self.plan.seconds is not None:
            audio = audio[:, : round(self.plan.seconds * rate)]
        takes = []
        for (turn, pitch), wave in zip(self.notes, audio, strict=True):
            print_ = quality.fingerprint(wave, rate) if np.isfinite(wave).all() else None
            takes.append(_Take(turn, pitch, wave, quality.fault(wave, rate, pitch), print_))
        twins = [
            self.heard.twin(one.pitch, one.print_)
            for one in takes
            if one.turn == 0 and one.fault is None and one.print_ is not None
        ]
        if twins and all(twins):
            takes = [one._replace(fault=one.fault or f"near-duplicate of {twins[0]}") for one in takes]
        return takes

    def _rerolled(self, timbre: Timbre, takes: list[_Take]) -> tuple[Timbre, list[_Take], int]:
        """The sound nearby with the fewest faults (the first without any, if any), its notes and its number."""
        best = (timbre, takes, 0)
        for attempt in range(1, ATTEMPTS + 1):
            other = replacement(timbre, self.card, attempt)
            timbres, pitches = zip(*self.wanted(other), strict=True)
            found = self._judged(self.synth.render(timbres, pitches, background=True).audio)
            if _faults(found) < _faults(best[1]):
                best = (other, found, attempt)
            if not _faults(best[1]):
                break
        return best

    def _place(self, one: _Take) -> dict[str, Any]:
        return {"pitch": one.pitch} | ({"take": one.turn + 1} if self.plan.round_robins > 1 else {})

    def _files(self, name: str, item: PackItem, takes: Sequence[_Take]) -> list[dict[str, Any]]:
        """Write the WAV files of `takes`, in rising order of pitch, and what maps them; the manifest's notes."""
        if not takes:
            return []
        plan = self.plan
        shaped = self._shaped(takes, item.envelope)
        levels = self._gains(takes, [wave for wave, _ in shaped])
        folder = self.pack / ("Multisamples" if plan.several else "OneShots")
        inside = folder / self._folder_name(name) if plan.several else folder
        inside.mkdir(parents=True, exist_ok=True)
        roots = sorted({one.pitch for one in takes})
        keys = dict(zip(roots, key_ranges(roots), strict=True))
        timbres = self._takes_of(item.timbre)
        zones, notes = [], []
        for one, (wave, loop), gain in zip(takes, shaped, levels, strict=True):
            turns = [other.turn for other in takes if other.pitch == one.pitch]
            hz = pitch_hz(one.pitch)
            loud = wave * np.float32(gain)
            if plan.measure == "loudness":
                loud = limited(loud, plan.sample_rate, hz, loop)
            for layer, velocities in reversed(list(enumerate(velocity_ranges(plan.velocity_layers)))):
                steps = plan.velocity_layers - 1 - layer
                sample = self._layer(loud, one.pitch, loop, steps)
                zone = Zone(
                    f"{self._file_name(name, one, layer)}.wav",
                    len(sample),
                    one.pitch,
                    *keys[one.pitch],
                    *velocities,
                    turn=turns.index(one.turn) + 1,
                    turns=len(turns),
                    loop=loop,
                )
                self._write(inside / zone.file, sample, zone, self._info(name, one.pitch), timbres[one.turn])
                zones.append(zone)
                notes.append(self._note(inside / zone.file, one, zone, gain, layer))
        if plan.several:
            release = item.envelope.release_seconds if item.envelope else plan.release_seconds
            self._mappings(folder, name, zones, release, self._category(item.timbre))
        return notes

    def _layer(self, wave: Wave, pitch: int, loop: Loop | None, steps: int) -> Wave:
        """A velocity layer of the finished note `wave`, `steps` softer than the hardest. Duller, it has another tremolo
        in its loop and is gone earlier, and its filter remembers other things at both ends of the loop, so loop and end
        are made once more."""
        if steps == 0:
            return wave
        rate = self.plan.sample_rate
        layer = softer(wave, rate, pitch_hz(pitch), steps)
        if loop:
            layer = evened(crossfaded(layer, loop), rate, pitch, loop)
        layer = ended(layer, rate, least=loop.end + 1 + loop.fade if loop else 0)
        return limited(layer, rate, pitch_hz(pitch), loop)

    def _write(self, path: Path, sample: Wave, zone: Zone, info: Mapping[str, str], timbre: Timbre) -> None:
        plan = self.plan
        bare = plan.device is not None and DEVICES[plan.device].bare_headers
        write_wav(path, sample, plan.sample_rate, plan.subtype, zone, info, timbre, bare=bare)
        sync(path)  # on the disk, not on its way there, before a record calls the sound whole

    def _folder_name(self, name: str) -> str:
        return name + opxy.ENDING if self.plan.device == "op-xy" else name

    def _category(self, timbre: Timbre) -> str:
        """The family of the instrument that the sound is most of; "" for a model without."""
        most = max(timbre.instruments, key=lambda one: one[1], default=("", 0.0))[0]
        return next((family for family, names in self.card.families().items() if most in names), "")

    def _file_name(self, name: str, one: _Take, layer: int) -> str:
        plan = self.plan
        number = layer + 1 if plan.velocity_layers > 1 else None
        turn = one.turn + 1 if plan.round_robins > 1 else None
        return note_name(name, one.pitch, plan.naming, plan.several, number, turn)

    def _note(self, path: Path, one: _Take, zone: Zone, gain: float, layer: int) -> dict[str, Any]:
        """What the manifest says about a note, and its fingerprint if it is the hardest layer of the first take."""
        note = {"file": path.relative_to(self.pack).as_posix()} | self._place(one)
        note |= {"low_key": zone.low, "high_key": zone.high}
        if self.plan.velocity_layers > 1:
            note |= {"low_velocity": zone.low_velocity, "high_velocity": zone.high_velocity}
        note["seconds"] = round(zone.frames / self.plan.sample_rate, 4)
        note["gain_db"] = round(20 * float(np.log10(gain)), 4)
        if zone.loop:
            note["loop"] = [zone.loop.start, zone.loop.end]
        if one.fault:
            note["fault"] = one.fault
        if one.turn == 0 and layer == self.plan.velocity_layers - 1 and one.print_ is not None:
            note["fingerprint"] = base64.b64encode(one.print_.tobytes()).decode()
        return note

    def _shaped(self, takes: Sequence[_Take], envelope: Envelope | None) -> list[tuple[Wave, Loop | None]]:
        """Every note at the pack's rate, float32 [m] or [m, 2] in stereo, cleaned, looped and faded, with its loop. If
        most notes of an instrument hold, all are made to; else none is: a piano with one steady key stays unlooped."""
        plan, rate = self.plan, self.card.specgram.sample_rate
        waves = [self._cleaned(one, envelope) for one in takes]
        if plan.loops and plan.several and 2 * sum(holds(wave, rate, held) for wave, held in waves) > len(takes):
            steady = [steadied(wave, rate, one.pitch, held) for one, (wave, held) in zip(takes, waves, strict=True)]
            looping = [found for found in steady if found is not None]
            if len(looping) == len(takes):
                return [self._finished(wave, one.pitch, loop) for one, (wave, loop) in zip(takes, looping, strict=True)]
        return [self._finished(wave, one.pitch, None) for one, (wave, _) in zip(takes, waves, strict=True)]

    def _cleaned(self, one: _Take, envelope: Envelope | None) -> tuple[Wave, int]:
        """The note float32 [n] at the model's rate as `envelope` shapes it while the key is held, and for how many
        frames it is."""
        rate, wave = self.card.specgram.sample_rate, one.wave
        if envelope:
            wave = wave * envelope.gains(len(wave), rate).astype(np.float32)
        wave, lost = cleaned(wave, rate)
        return wave, min(round(LOOPABLE * self.card.specgram.samples) - lost, len(wave) - round(AFTER_SECONDS * rate))

    def _finished(self, wave: Wave, pitch: int, loop: Loop | None) -> tuple[Wave, Loop | None]:
        """`wave` float32 [n] at the pack's rate ([m], or [m, 2] in stereo), looped and faded; the loop at that rate."""
        import soxr  # here, because playing a note does not need it

        rate, plan = self.card.specgram.sample_rate, self.plan
        if rate != plan.sample_rate:
            wave = soxr.resample(wave, rate, plan.sample_rate, quality="VHQ")
        mono = wave
        if plan.stereo:
            wave = widened(wave, plan.sample_rate)
        wave = begun(wave, plan.sample_rate)
        if loop is None:
            return ended(wave, plan.sample_rate), None
        wave, loop = looped(wave, mono, plan.sample_rate, pitch, loop, plan.sample_rate / rate)
        return ended(wave, plan.sample_rate, least=loop.end + 1 + loop.fade), loop

    def _gains(self, takes: Sequence[_Take], waves: Sequence[Wave]) -> list[float]:
        """One gain a wave, by the plan's level and measure; takes are as loud as their note's first."""
        plan, rate = self.plan, self.plan.sample_rate
        numbers: dict[int, list[int]] = {}  # pitch -> its takes
        for number, one in enumerate(takes):
            numbers.setdefault(one.pitch, []).append(number)
        counts = plan.measure == "loudness" or plan.round_robins > 1
        loudness = [loudness_lufs(wave, rate) if counts else 0.0 for wave in waves]
        if plan.measure == "loudness":
            aims = goals([loudness[those[0]] for those in numbers.values()], plan.level, plan.loudness_lufs)
            aim_of = dict(zip(numbers, aims, strict=True))
            return [
                gain_for(wave, rate, pitch_hz(one.pitch), own, aim_of[one.pitch])
                for one, wave, own in zip(takes, waves, loudness, strict=True)
            ]
        matched = [
            10 ** ((loudness[numbers[one.pitch][0]] - own) / 20) for one, own in zip(takes, loudness, strict=True)
        ]
        peaks = [max(matched[number] * true_peak(waves[number]) for number in those) for those in numbers.values()]
        by_pitch = dict(zip(numbers, gains(peaks, plan.level), strict=True))
        return [match * by_pitch[one.pitch] for one, match in zip(takes, matched, strict=True)]

    def _mappings(self, folder: Path, name: str, zones: Sequence[Zone], release: float, category: str) -> None:
        plan, inside = self.plan, self._folder_name(name)
        if "sfz" in plan.formats:
            save_text(folder / f"{name}.sfz", sfz(name, inside, zones, release, self.rights))
        if "dspreset" in plan.formats:
            save_text(folder / f"{name}.dspreset", dspreset(inside, zones, release, self.rights))
        if "sf2" in plan.formats:
            bits = 16 if plan.subtype == "PCM_16" else 24
            path = folder / f"{name}.sf2"
            write_sf2(path, name, folder / inside, zones, plan.sample_rate, bits, release, self.rights)
            sync(path)
        if "multisample" in plan.formats:
            path = folder / f"{name}.multisample"
            write_multisample(path, name, folder / inside, zones, category, self.rights)
            sync(path)
        if plan.device == "op-xy":
            save_text(folder / inside / opxy.FILE, opxy.patch_json(zones, release))
        if plan.device == "tonverk":
            save_text(folder / inside / f"{name}{tonverk.ENDING}", tonverk.elmulti(name, zones))

    def _info(self, name: str, pitch: int) -> dict[str, str]:
        made = f"model {self.card.id}, MIDI pitch {pitch}"
        said = self.rights.info()
        comment = f"{said['ICMT']} ({made})" if said["ICMT"] else made
        return {"INAM": f"{name} {pitch}", "IPRD": self.title, "ISFT": SOFTWARE} | said | {"ICMT": comment}


def _faults(takes: Sequence[_Take]) -> int:
    return sum(one.fault is not None for one in takes)


def save_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all. Raises AudioError."""
    with replacing(path, AudioError) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
