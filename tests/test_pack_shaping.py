import json
import math
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from packtools import CARD, Voice, heard_pitch, notes_of, plan, synth, timbre, unpack

from gansynth_core import Envelope, InputError, PackItem, PackPlan, Patch, Synth, Wavetable, check_pack, write_pack
from gansynth_core.packs import quality, takes
from gansynth_core.packs.check import seam_bend
from gansynth_core.packs.levels import PEAK, gain_for, gains, goals, limited, loudness_lufs, true_peak
from gansynth_core.packs.most_different import most_different
from gansynth_core.packs.shaping import cleaned, ended, softer, widened
from gansynth_core.packs.wavetable import CYCLE, FRAMES, cycle
from gansynth_core.packs.zones import velocity_ranges
from gansynth_core.pitches import pitch_hz
from gansynth_core.sustain import Loop, crossfaded

RATE = 48000


def sine(hz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def test_loudness_is_that_of_the_standard():
    # BS.1770: a sine of 997 Hz at full scale in one channel reads -3.01 LUFS.
    assert loudness_lufs(sine(997, 2.0), RATE) == pytest.approx(-3.01, abs=0.05)
    assert loudness_lufs(sine(997, 0.3), RATE) == pytest.approx(-3.7, abs=0.1)  # no block fits: mean power
    assert loudness_lufs(np.zeros(RATE, np.float32), RATE) == -70.0


@pytest.mark.parametrize(
    ("peaks", "level", "expected_db"),
    [
        ([1.0, 0.5], "note", [-1, 5.02]),
        ([1.0, 0.5], "sound", [-1, -1]),
        ([0.5, 0.0], "sound", [5.02, 0]),  # silence stays silence and counts for nothing
    ],
)
def test_gains_bring_peaks_to_their_level(peaks, level, expected_db):
    assert 20 * np.log10(gains(peaks, level)) == pytest.approx(expected_db, abs=0.01)


def test_goals_of_loudness_keep_the_balance_of_a_sound_or_even_its_notes():
    assert goals([-30, -24], "note", -12) == [-12, -12]
    assert goals([-30, -24, -70], "sound", -12) == pytest.approx([-16, -10, -56], abs=0.05)


def test_a_true_peak_lies_between_the_samples():
    wave = np.sqrt(0.5) * np.tile(
        [1, 1, -1, -1], 500
    )  # a sine of a quarter of the rate that is never sampled at its top
    assert true_peak(wave[:-3] * np.hanning(1997)) == pytest.approx(1, abs=0.02)
    assert true_peak(np.stack([0.1 * wave, 0.2 * wave], axis=1)[:, 1:]) == pytest.approx(0.2, abs=0.01)
    assert true_peak(np.zeros(0)) == 0


@pytest.mark.parametrize("hz", [55, 440])
def test_the_limiter_brings_peaks_down_before_they_come_and_leaves_the_rest(hz):
    wave = (0.5 * sine(hz, 1.0)).astype(np.float32)
    wave[RATE // 2 : RATE // 2 + 40] += 1.5 * np.hanning(40).astype(np.float32)
    quieter = limited(wave, RATE, hz)
    assert true_peak(wave) > 1.2 and true_peak(quieter) <= PEAK * 1.0001
    away = np.abs(np.arange(RATE) - RATE // 2) > max(0.012, 4.5 / hz) * RATE
    assert np.allclose(quieter[away], wave[away], rtol=1e-3, atol=1e-6)
    gain = (quieter[away == 0] / np.where(np.abs(wave[away == 0]) > 0.05, wave[away == 0], np.nan))[:-1]
    steps = np.abs(np.diff(20 * np.log10(gain[np.isfinite(gain)])))
    assert steps.max() < 0.5  # it comes and goes without a step
    assert limited(quieter, RATE, hz) is quieter or true_peak(limited(quieter, RATE, hz)) <= PEAK * 1.0001


def test_the_limiter_leaves_a_pipe_two_octaves_below_its_key_in_the_middle_and_its_loop_without_a_seam():
    length, seconds = round(10 * RATE / 11.5), np.arange(4 * RATE) / RATE
    pipe = sum(
        level * np.cos(2 * np.pi * hz * seconds) for hz, level in ((11.5, 0.6), (46, 0.5), (92, 0.4), (138, 0.3))
    )
    loop = Loop(RATE, RATE + length - 1, 5000)
    wave = crossfaded((0.55 * pipe * (1 + 0.4 * sine(1.3, 4.0))).astype(np.float32), loop)
    quieter = limited(wave * np.float32(3), RATE, 46, loop)
    assert true_peak(wave) > 0.8 and true_peak(quieter) <= PEAK * 1.0001
    assert abs(quieter[RATE:-RATE].mean()) < 0.003 and seam_bend(quieter[:, None], loop) < 1.5


@pytest.mark.parametrize("lufs", [-9, -14])
def test_a_pack_by_loudness_is_as_loud_as_asked_and_never_peaks(lufs, tmp_path):
    out = tmp_path / "a.zip"
    evened = plan(items=plan().items[:1], measure="loudness", loudness_lufs=lufs, level="note", pitches=(48, 65))
    write_pack(evened, synth(), out)
    folder = unpack(out)
    for note in notes_of(folder):
        samples, rate = soundfile.read(folder / note["file"])
        assert loudness_lufs(samples, rate) == pytest.approx(lufs, abs=0.2) and true_peak(samples) <= PEAK * 1.001


def test_a_drum_too_short_for_its_loudness_is_limited_by_so_much_and_no_more():
    hit = (sine(200, 1.0) * np.exp(-np.arange(RATE) / 500)).astype(np.float32)
    loud = hit * np.float32(gain_for(hit, RATE, 200, loudness_lufs(hit, RATE), -12))
    assert 20 * math.log10(true_peak(loud) / PEAK) == pytest.approx(12, abs=0.1)
    assert gain_for(np.zeros(RATE, np.float32), RATE, 200, -70, -12) == 1


def test_offset_and_dead_time_go_and_the_note_stays():
    wave = np.concatenate([np.zeros(4800), sine(440), np.zeros(9600)]).astype(np.float32) + 0.01
    found, lost = cleaned(wave, RATE)
    assert 4650 < lost <= 4800 and abs(found.mean()) < 0.001 and abs(len(found) - RATE) < 9700
    quick = sine(440)
    kept, lost = cleaned(quick, RATE)
    assert lost == 0 and len(kept) == len(quick) and np.abs(kept[200:] - quick[200:]).max() < 2e-3


def db(wave: np.ndarray) -> float:
    return 10 * math.log10(np.square(wave, dtype=np.float64).mean() + 1e-20)


def test_a_note_that_ends_while_it_sounds_gets_a_release():
    for wave in (sine(440, 1.0), np.stack([sine(440, 1.0), 0.5 * sine(440, 1.0)], axis=1)):
        let_go = ended(wave, RATE)
        assert len(let_go) > len(wave) - RATE // 20 and db(let_go[-RATE // 100 :]) < -50 and not let_go[-1].any()
        assert np.array_equal(let_go[: RATE // 2], wave[: RATE // 2])
        assert np.abs(np.diff(let_go[-RATE // 3 :], axis=0)).max() <= np.abs(np.diff(wave, axis=0)).max()


def test_silence_at_the_end_goes_and_what_a_loop_needs_stays():
    wave = (sine(440, 3.0) * np.exp(-np.arange(3 * RATE) / RATE / 0.15)).astype(np.float32)  # -60 dB after 1.04 s
    short = ended(wave, RATE)
    assert len(short) / RATE == pytest.approx(1.04, abs=0.04) and abs(short[-1]) < 1e-6
    assert len(ended(wave, RATE, least=2 * RATE)) >= 2 * RATE
    faint = (wave * np.where(np.arange(3 * RATE) < 0.1 * RATE, 1, 0)).astype(np.float32) + 0.01 * sine(440, 3.0)
    levels = 20 * np.log10(np.abs(ended(faint, RATE)[-RATE // 10 :]).max())
    assert levels > -60  # a release of what is faint already leaves no silence either
    assert len(ended(np.zeros(RATE, np.float32), RATE)) <= RATE and len(ended(wave[:100], RATE)) == 100


def test_a_softer_layer_is_duller_and_as_loud():
    wave = (0.6 * sine(50) + 0.3 * sine(12000)).astype(np.float32)
    assert softer(wave, RATE, 200, 0) is wave

    def level(sound: np.ndarray, hz: int) -> float:
        spectrum = np.abs(np.fft.rfft(sound[RATE // 4 : RATE // 4 + RATE // 2]))
        return 20 * math.log10(spectrum[hz // 2])

    for steps in (1, 2, 3):
        dull = softer(wave, RATE, 200, steps)
        fall = [level(dull, hz) - level(wave, hz) for hz in (50, 12000)]
        assert fall[0] - fall[1] == pytest.approx(4 * steps, abs=0.3)
        assert np.abs(dull).max() <= np.abs(wave).max() * 1.001
        assert np.square(dull).sum() == pytest.approx(np.square(wave).sum(), rel=0.05)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_layers_take_every_velocity_once(layers):
    ranges = velocity_ranges(layers)
    assert [v for low, high in ranges for v in range(low, high + 1)] == list(range(1, 128)) and len(ranges) == layers


@pytest.mark.parametrize("hz", [60, 261.6, 523.3, 1000, 5000])
def test_stereo_keeps_every_partial_in_the_middle_and_basses_narrow(hz):
    wave = sine(hz, 2.0)
    both = widened(wave, RATE)[RATE // 4 : -RATE // 4]
    left, right = np.sqrt(np.square(both).mean(axis=0))
    assert abs(20 * math.log10(left / right)) < 0.05
    assert np.allclose(both.mean(axis=1), wave[RATE // 4 : -RATE // 4], atol=1e-6)
    side = np.sqrt(np.square(both[:, 0] - both[:, 1]).mean()) / 2 / np.sqrt(0.5)
    assert side < (0.01 if hz < 100 else 0.46)


@pytest.mark.parametrize("hz", [261.6, 1046.5, 3000])
def test_the_side_of_a_sharp_onset_comes_in_with_the_note(hz):
    wave, _ = cleaned(sine(hz) * np.exp(-np.arange(RATE) / 4800).astype(np.float32), RATE)
    both = widened(wave, RATE)
    side = (both[:, 0] - both[:, 1]) / 2
    assert np.abs(both[0]).max() == 0 and np.abs(np.diff(side[: RATE // 500])).max() < 1.5 * np.abs(np.diff(side)).max()
    assert np.allclose(both.mean(axis=1), wave, atol=1e-6)


def test_stereo_is_wide_over_the_whole_range():
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    left, right = widened(noise, RATE).T
    assert 0.4 < np.corrcoef(left, right)[0, 1] < 0.9


def test_a_pitch_beside_the_key_is_told_from_one_in_tune_and_from_none():
    rich = sum(sine(261.63 * n, rate=24000) / n for n in range(1, 9))
    assert not quality.off_pitch(rich, 24000, 60) and quality.off_pitch(rich, 24000, 61)
    assert quality.off_pitch(rich, 24000, 59.3) and not quality.off_pitch(rich, 24000, 60.3)
    for octave in (48, 72):
        assert not quality.off_pitch(rich, 24000, octave)
    noise = np.random.default_rng(0).standard_normal(24000).astype(np.float32)
    bell = sum(sine(261.63 * ratio, rate=24000) for ratio in (0.56, 0.92, 1.19, 1.7, 2.0, 2.74))
    assert not quality.off_pitch(noise, 24000, 60) and not quality.off_pitch(bell, 24000, 60)
    for key in (24, 84):
        hz = 440 * 2 ** ((key - 69) / 12)
        assert not quality.off_pitch(sine(hz, rate=24000), 24000, key)
        assert quality.off_pitch(sine(hz, rate=24000), 24000, key + 1)


def test_takes_stay_near_and_replacements_go_far():
    a = timbre(z1=1.0, z7=-2.0)
    assert takes.take(a, CARD, 0) is a and takes.take(a, CARD, 1) == takes.take(a, CARD, 1)
    others = [takes.take(a, CARD, turn) for turn in (1, 2, 3)]
    assert len({a, *others}) == 4 and all(other.instruments == a.instruments for other in others)

    def distance(b):
        return math.dist(a.z, b.z)

    steps = [distance(takes.replacement(a, CARD, attempt)) for attempt in (1, 2, 3, 4)]
    assert max(map(distance, others)) < 4 < steps[0] < steps[1] < steps[2] < steps[3]


def test_a_reject_is_replaced_by_a_sound_nearby_and_the_pack_says_so(tmp_path):
    bad = timbre(z2=5.2)  # not a number where z[2] is above 5
    items = (PackItem("fine", timbre(z1=2.0)), PackItem("bad", bad), PackItem("twin", timbre(z1=2.0)))
    again = plan(items=items, pitches=(60, 64), rejects="reroll")
    out = tmp_path / "a.zip"
    report = write_pack(again, synth(), out)
    assert (report.notes, report.left_out) == (6, 0)
    folder = unpack(out)
    fine, bad, twin = json.loads((folder / "manifest.json").read_text())["sounds"]
    assert "rerolled" not in fine and bad["rerolled"] >= 1 and twin["rerolled"] >= 1
    assert bad["timbre"]["z"][2] < 5 and twin["timbre"]["z"] != fine["timbre"]["z"]
    assert "bad: another sound nearby" in (folder / "README.txt").read_text()
    write_pack(again, synth(), tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == out.read_bytes()


def test_a_cycle_has_the_partials_of_its_note_and_starts_at_zero():
    time = np.arange(96000) / 24000
    hz = 440 * 2 ** ((36 - 69) / 12)
    levels = [1.0, 0.5, 0.0, 0.25, 0.1]
    wave = sum(level * np.sin(2 * np.pi * hz * (n + 1) * time + n) for n, level in enumerate(levels))
    found = cycle(wave.astype(np.float32), 24000, 36)
    assert found.shape == (CYCLE,) and abs(found.mean()) < 1e-9 and np.square(found).mean() == pytest.approx(1)
    spectrum = np.abs(np.fft.rfft(found))
    assert spectrum[1:6] / spectrum[1] == pytest.approx(levels, abs=0.01)
    assert spectrum[int(12000 / hz) + 2 :].max() < 1e-9 * spectrum[1]  # nothing above what the model makes
    assert abs(found[0]) < 0.05 and not cycle(np.zeros(96000, np.float32), 24000, 36).any()


def test_a_wavetable_goes_from_one_sound_to_the_other_in_phase_and_at_one_level(tmp_path):
    a, b = timbre(z1=-8.0), timbre(z1=8.0)
    out = tmp_path / "a.zip"
    only = PackPlan((), (), name="tables", wavetables=(Wavetable("dull/bright", a, b),))
    assert write_pack(only, synth(), out).notes == 0
    folder = unpack(out)
    path = folder / "Wavetables/dull_bright.wav"
    samples, _ = soundfile.read(path)
    info = soundfile.info(path)
    assert (info.subtype, info.channels, info.frames) == ("FLOAT", 1, FRAMES * CYCLE)
    data = path.read_bytes()
    assert data[data.index(b"clm ") + 8 :].startswith(b"<!>2048 ") and data.index(b"clm ") < data.index(b"data")
    cycles = samples.reshape(FRAMES, CYCLE)
    octave = np.abs(np.fft.rfft(cycles, axis=1))[:, 2]
    assert octave[0] < 0.02 * octave[-1] and np.all(np.diff(octave) > -1e-3 * octave[-1])
    powers = np.square(cycles).mean(axis=1)
    assert powers.max() / powers.min() < 1.0001 and np.abs(cycles.mean(axis=1)).max() < 1e-7
    assert np.abs(samples).max() == pytest.approx(PEAK, abs=1e-5)
    # Neighbours agree so well that a synth may fade from one to the next, and no cycle jumps where it starts again.
    assert all(np.corrcoef(x, y)[0, 1] > 0.999 for x, y in pairwise(cycles))
    assert np.abs(cycles[:, 0] - cycles[:, -1]).max() < 2 * np.abs(np.diff(cycles, axis=1)).max()
    assert abs(heard_pitch(np.tile(cycles[128], 40), 44100) - (69 + 12 * math.log2(44100 / CYCLE / 440))) < 0.01
    assert PackPlan.from_json(json.loads((folder / "plan.json").read_text()), CARD) == only


def test_a_wavetable_needs_two_sounds_of_one_model():
    with pytest.raises(InputError, match="name and two timbres"):
        Wavetable("a", timbre(), None)
    with pytest.raises(InputError, match="pitch of a wavetable"):
        Wavetable("a", timbre(), timbre(), 200)


def test_the_most_different_sounds_leave_no_colour_out_and_take_no_faulty_one():
    alike = [timbre(z1=-4 + 0.01 * n) for n in range(6)]
    sounds = [*alike[:3], timbre(z1=9.0), timbre(z2=9.0), *alike[3:], timbre(z1=0.0)]
    assert {3, 8} < set(most_different(synth(), sounds, 3)) and 4 not in most_different(synth(), sounds, 8)
    assert most_different(synth(), sounds, 9) == list(range(9))
    document = {"format": 1, "pitches": 60, "items": [{"different": 2, "among": [{"count": 5}, {"seed": 9}]}]}
    made = PackPlan.from_json(document, CARD, choose=lambda timbres, count: [1, len(timbres) - 1])
    assert [item.name for item in made.items] == ["sound 02", "sound"]


def test_the_envelope_of_a_patch_shapes_its_notes_and_the_release_of_its_instrument(tmp_path):
    patch = Patch(timbre(z1=2.0), Envelope(0.5, 0.8, 0.25, 1.5), name="swell")
    shaped = plan(items=(PackItem.of(patch), PackItem("plain", timbre(z1=-2.0))), pitches=(60, 64))
    write_pack(shaped, synth(), tmp_path / "a.zip")
    folder = unpack(tmp_path / "a.zip")
    samples, rate = soundfile.read(folder / "Multisamples/swell/swell_060.wav")

    def level(seconds):
        return np.abs(samples[round(seconds * rate) : round((seconds + 0.05) * rate)]).max()

    assert level(0.1) < 0.4 * level(0.5) and level(2.0) == pytest.approx(0.25 * level(0.49), rel=0.1)
    assert "ampeg_release=1.5" in (folder / "Multisamples/swell.sfz").read_text()
    assert "ampeg_release=0.3" in (folder / "Multisamples/plain.sfz").read_text()
    swell = json.loads((folder / "manifest.json").read_text())["sounds"][0]
    assert swell["envelope"]["attack_seconds"] == 0.5 and all("loop" in note for note in swell["notes"])
    again = PackPlan.from_json(json.loads((folder / "plan.json").read_text()), CARD)
    assert again == shaped
    document = {"format": 1, "pitches": 60, "items": [{"patch": patch.to_json()}]}
    assert PackPlan.from_json(document, CARD).items == (PackItem.of(patch),)


def test_a_sound_that_dies_by_its_envelope_has_no_loop(tmp_path):
    pluck = PackItem("pluck", timbre(z1=2.0), Envelope(0.0, 1.0, 0.0, 0.2))
    write_pack(plan(items=(pluck,), pitches=(60, 64)), synth(), tmp_path / "a.zip")
    notes = notes_of(unpack(tmp_path / "a.zip"))
    assert len(notes) == 2 and not any("loop" in note for note in notes)


@pytest.mark.parametrize(("steady", "looped"), [((48, 52, 55), True), ((48,), False)])
def test_an_instrument_holds_its_notes_or_it_does_not(steady, looped, tmp_path):
    class Mixed(Synth):
        def render(self, timbre, pitches, **options):
            clips = super().render(timbre, pitches, **options)
            fall = np.exp(-np.arange(clips.audio.shape[1]) / clips.sample_rate / 0.5)
            for wave, pitch in zip(clips.audio, pitches, strict=True):
                wave *= 1 if pitch in steady else fall
            return clips

    mixed = Mixed(CARD, Voice(), device="cpu", griffin_lim_steps=0)
    write_pack(plan(items=plan().items[1:], pitches=(48, 52, 55, 60)), mixed, tmp_path / "a.zip")
    notes = notes_of(unpack(tmp_path / "a.zip"))
    assert [note["pitch"] for note in notes if "loop" in note] == ([48, 52, 55, 60] if looped else [])


def swaying(seconds: np.ndarray, hz: float) -> np.ndarray:
    """Level as a whole, but only as a whole: what the low partial loses the high one gains, five times a second."""
    sway = 0.9 * np.sin(2 * np.pi * 5 * seconds)
    low, high = (np.sin(2 * np.pi * partial * hz * seconds) for partial in (1, 12))
    return 0.3 * (np.sqrt(1 + sway) * low + np.sqrt(1 - sway) * high)


def hissing(seconds: np.ndarray, hz: float) -> np.ndarray:
    """A drum after which a high partial goes on, 54 dB below it."""
    hit, hiss = (np.sin(2 * np.pi * partial * hz * seconds) for partial in (1, 12))
    return 0.5 * np.exp(-seconds / 0.1) * hit + 0.001 * hiss


@pytest.mark.parametrize("sounds", [swaying, hissing])
def test_a_softer_layer_is_as_fit_to_ship_as_the_note_it_is_made_of(sounds, tmp_path):
    class Sounding(Synth):
        def render(self, timbre, pitches, **options):
            clips = super().render(timbre, pitches, **options)
            for wave, pitch in zip(clips.audio, pitches, strict=True):
                wave[:] = sounds(np.arange(len(wave)) / clips.sample_rate, pitch_hz(pitch))
            return clips

    made = Sounding(CARD, Voice(), device="cpu", griffin_lim_steps=0)
    write_pack(plan(items=plan().items[1:], pitches=(48, 60), velocity_layers=4), made, tmp_path / "a.zip")
    (found,) = check_pack(tmp_path / "a.zip").instruments
    assert not found.faults and len(found.notes) == 8
    lengths = [note.frames for note in found.notes if note.root == 60]
    assert (min(lengths) < max(lengths) / 2) == (sounds is hissing)
