import argparse
import ctypes
import json
import sys

import numpy as np
import pytest
import soundfile
from sine_voice import SPEC

from gansynth_core import DESCRIPTORS, GM_INSTRUMENTS, AudioError, Clip, Clips, DataError, InputError, measure
from gansynth_core.errors import GanSynthError, ToolError
from gansynth_core.training.config import MAGENTA_SPEC, STUDIO_SPEC
from gansynth_core.training.data import command as data_command
from gansynth_core.training.data import prepare as preparing
from gansynth_core.training.data import soundfont
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.data.doubts import doubt, semitones_off
from gansynth_core.training.data.folder import DEFAULT_VELOCITY, WavFolder, parse_name
from gansynth_core.training.data.nsynth import NSynth
from gansynth_core.training.data.prepare import skip_reasons
from gansynth_core.training.data.soundfont import DEFAULT_SOUNDFONT, GENERATORS, Soundfont
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear


def write_tone(path, pitch=60.0, seconds=0.2, level=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(round(seconds * 16000)) / 16000
    wave = level * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * times)
    return Clip(wave.astype(np.float32), 16000).save(path)


def notes_of(source):
    return {note.origin: (note.instrument, note.pitch, note.velocity) for note in source.plan()}


# --- folders -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "instrument", "pitch"),
    [
        ("cello_C3", "cello", 48),
        ("cello_048", "cello", 48),
        ("cello_C#3", "cello", 49),
        ("Cello Db3", "cello", 49),
        ("cello-c4", "cello", 60),
        ("cello_C-1", "cello", 0),
        ("cello_G9", "cello", 127),
        ("Grand Piano (bright)_Bb2", "grand_piano_bright", 46),
        ("electric_piano_2_060", "electric_piano_2", 60),
        ("electric_piano_2_A4", "electric_piano_2", 69),
        ("tr-808_036", "tr_808", 36),
        ("violin_060.25", "violin", 60.25),
        ("violin_060_2", "violin", 60),
        ("cello_As2_1_fortissimo_arco", "cello", 46),
        ("A4", "", 69),
        ("048", "", 48),
        ("A4_violin", "violin", 69),
        ("b3 organ_C4", "b3_organ", 60),
        ("piano C_4", "piano", 60),
        ("piano_60", "piano", 60),
        ("piano-060", "piano", 60),
        ("Juno-60 pad_048", "juno_60_pad", 48),
    ],
)
def test_a_name_tells_instrument_and_pitch(stem, instrument, pitch):
    assert parse_name(stem) == (instrument, pitch, DEFAULT_VELOCITY)


def test_a_name_may_tell_the_velocity():
    assert parse_name("violin_A4_v100") == ("violin", 69, 100)
    assert parse_name("violin_v7_069") == ("violin", 69, 7)


@pytest.mark.parametrize(
    "stem",
    [
        *("violin", "violin_128", "H4", "e2e", "violin_60_2", "bass_068-049-025", "violin_A4_v200"),
        *("Kick 01", "snare_12", "Juno-60 pad", "Juno-106", "piano_60_100", "loop_drone_g_97", "take 7"),
    ],
)
def test_a_name_that_tells_no_pitch_is_refused(stem):
    with pytest.raises(DataError):
        parse_name(stem)


def test_a_folder_names_instruments_by_file_or_subfolder(tmp_path):
    root = tmp_path / "My Strings"
    for name in ("cello_C3.wav", "Viola/A4.wav", "Viola/deep/048_v20.WAV", "50.wav", "hum.wav", "._cello_C3.wav"):
        write_tone(root / name)
    (root / "readme_060.txt").write_text("no sound")
    (root / "cello_D3.m4a").write_bytes(b"no format of ours")
    write_tone(root / ".ipynb_checkpoints" / "cello_E3.wav")
    source = WavFolder(root, licence="CC0")
    assert notes_of(source) == {
        "50.wav": ("my_strings", 50, DEFAULT_VELOCITY),
        "Viola/A4.wav": ("viola", 69, DEFAULT_VELOCITY),
        "Viola/deep/048_v20.WAV": ("deep", 48, 20),
        "cello_C3.wav": ("cello", 48, DEFAULT_VELOCITY),
    }
    reason = ".m4a files are not read; save it as WAV or FLAC"
    assert source.left_out == [("hum.wav", "no pitch in its name"), ("cello_D3.m4a", reason)]
    assert source.licence == "CC0" and WavFolder(root).licence == "own recordings, not for redistribution"
    assert [note.pitch for note in WavFolder(root, pitches=(49, 60)).plan()] == [50]
    assert [note.pitch for note in WavFolder(root, instruments=("viola",)).plan()] == [69]


def test_each_planned_note_reads_its_own_file(tmp_path):
    for number, name in enumerate(("b_060.wav", "a_062.wav", "c_061.wav")):
        write_tone(tmp_path / name, seconds=0.1 * (number + 1))
    source = WavFolder(tmp_path)
    seconds = {note.instrument: source.read(index).seconds for index, note in enumerate(source.plan())}
    assert seconds == pytest.approx({"b": 0.1, "a": 0.2, "c": 0.3})


@pytest.mark.parametrize(("octave", "off"), [(0, -12), (-1, 0)])
def test_names_that_call_middle_c_otherwise_are_noticed(tmp_path, octave, off):
    times = np.arange(16000) / 16000
    for pitch in (52, 55, 60, 64, 67):
        hz = 440 * 2 ** ((pitch - 69) / 12)
        wave = sum(np.sin(2 * np.pi * hz * partial * times) / partial for partial in range(1, 8))
        Clip((0.3 * wave).astype(np.float32), 16000).save(tmp_path / f"reed_{pitch + 12:03}.wav")
    source = WavFolder(tmp_path, octave=octave)
    assert semitones_off(source) == off
    sentence = doubt(source)
    assert sentence is None if off == 0 else "an octave below" in sentence and "--octave -1" in sentence


def test_other_formats_are_read_and_silence_before_a_note_is_cut(tmp_path):
    wave = np.concatenate([np.zeros(36000), 0.5 * np.sin(np.arange(12000) * 2 * np.pi * 440 / 24000)])
    for name in ("bell_A4.ogg", "bell_B4.mp3"):
        soundfile.write(tmp_path / name, wave, 24000)
    source = WavFolder(tmp_path)
    for index in range(len(source.plan())):
        assert source.read(index).seconds == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_table_is_believed_before_names(tmp_path, separator):
    for name in ("one.wav", "two_C4.wav", "sub/three.wav", "four.wav", "unlisted_C4.wav"):
        write_tone(tmp_path / name)
    rows = ["File,Pitch,Instrument,Velocity", "one.wav,60.5,Big Bell,33", "two_C4.wav,D4,,", "sub/three.wav,50,,"]
    rows += ["four.wav,high,bell,", "four.wav,40,bell,300", "", "gone.wav,62,bell,"]
    (tmp_path / "notes.csv").write_text("\ufeff" + "\n".join(rows).replace(",", separator), encoding="utf-8")
    source = WavFolder(tmp_path)
    root = "".join(c if c.isalnum() else "_" for c in tmp_path.name.lower()).strip("_")
    assert notes_of(source) == {
        "one.wav": ("big_bell", 60.5, 33),
        "two_C4.wav": (root, 62, DEFAULT_VELOCITY),
        "sub/three.wav": ("sub", 50, DEFAULT_VELOCITY),
        "gone.wav": ("bell", 62, DEFAULT_VELOCITY),
    }
    assert source.left_out == [
        ("four.wav", "'high' is not a pitch. Give a MIDI number such as 60 or a note name such as C4."),
        ("four.wav", "its velocity '300' is outside 1-127"),
        ("unlisted_C4.wav", "not in notes.csv"),
    ]
    with pytest.raises(AudioError, match="missing file"):
        source.read(3)


def test_folders_that_cannot_be_used_are_told_in_words(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        WavFolder(tmp_path / "gone")
    with pytest.raises(DataError, match="There are no sound files in"):
        WavFolder(tmp_path).plan()
    write_tone(tmp_path / "hum.wav")
    with pytest.raises(DataError, match=r"None of the 1 sounds .*'hum.wav', for one: no pitch in its name"):
        WavFolder(tmp_path).plan()
    write_tone(tmp_path / "hum_C4.wav")
    with pytest.raises(DataError, match="None of the 1 notes"):
        WavFolder(tmp_path, pitches=(70, 80)).plan()
    with pytest.raises(DataError, match="Cannot read the table"):
        WavFolder(tmp_path, table=tmp_path / "gone.csv").plan()
    (tmp_path / "notes.csv").write_text("name,key\nhum.wav,60\n")
    with pytest.raises(DataError, match="must begin with the names of its columns"):
        WavFolder(tmp_path).plan()


# --- NSynth ------------------------------------------------------------------------------------------------------


def example(key, pitch, family, source, number):
    return key, {
        "pitch": pitch,
        "velocity": 75,
        "instrument_family_str": family,
        "instrument_source_str": source,
        "instrument_str": f"{family}_{source}_{number}",
        "qualities": [],
    }


@pytest.fixture
def nsynth(tmp_path):
    folder = tmp_path / "nsynth-test"
    examples = dict(
        [
            example("brass_acoustic_006-025-075", 25, "brass", "acoustic", "006"),
            example("bass_synthetic_068-049-075", 49, "bass", "synthetic", "068"),
            example("bass_electronic_018-060-075", 60, "bass", "electronic", "018"),
        ]
    )
    for number, key in enumerate(examples):
        write_tone(folder / "audio" / f"{key}.wav", seconds=0.1 * (number + 1))
    (folder / "examples.json").write_text(json.dumps(examples))
    return folder


def test_nsynth_plans_by_key_and_reads_the_matching_sound(nsynth):
    source = NSynth(nsynth)
    assert [(note.instrument, note.pitch, note.velocity) for note in source.plan()] == [
        ("bass", 60, 75),
        ("bass", 49, 75),
        ("brass", 25, 75),
    ]
    assert [source.read(index).seconds for index in range(3)] == pytest.approx([0.3, 0.2, 0.1])
    assert source.name == "nsynth-test" and source.licence.startswith("CC BY 4.0")
    (nsynth / "audio" / "bass_electronic_018-060-075.wav").unlink()
    with pytest.raises(AudioError, match="missing file"):
        source.read(0)


def test_nsynth_instruments_are_named_and_chosen_as_asked(nsynth):
    def names(**options):
        return [note.instrument for note in NSynth(nsynth, **options).plan()]

    assert names(naming="family_source") == ["bass_electronic", "bass_synthetic", "brass_acoustic"]
    assert names(naming="instrument") == ["bass_electronic_018", "bass_synthetic_068", "brass_acoustic_006"]
    assert names(sources=("acoustic", "electronic")) == ["bass", "brass"]
    assert names(pitches=(25, 49)) == ["bass", "brass"] and names(instruments=("brass",)) == ["brass"]


def test_nsynth_that_cannot_be_used_is_told_in_words(nsynth):
    with pytest.raises(InputError, match=r"NSynth has no 'accoustic'.*Did you mean 'acoustic'"):
        NSynth(nsynth, sources=("accoustic",))
    with pytest.raises(DataError, match="None of the 3 notes"):
        NSynth(nsynth, pitches=(100, 127)).plan()
    with pytest.raises(DataError, match=r"There is no examples.json in .*nsynth-train"):
        NSynth(nsynth / "audio").plan()
    file = nsynth / "examples.json"
    for text in (file.read_text()[:100], "[1]", '{"a": 1}', file.read_text().replace("75", '"loud"'), "\udcff"):
        file.write_text(text, errors="surrogateescape")
        with pytest.raises(DataError, match="is damaged"):
            NSynth(nsynth).plan()


# --- soundfonts --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fluid():
    """All instruments at A4; a missing soundfont or library fails with the sentence that says what to install."""
    return Soundfont(pitches=range(69, 70), velocities=(100,), variations=1, sample_rate=24000, seed=3)


def index_of(source, instrument, varied=False):
    return next(i for i, n in enumerate(source.plan()) if n.instrument == instrument and bool(n.variation) == varied)


def fundamental_hz(clip, near_hz=440.0):
    """Frequency by the phase's advance between two windows 8192 samples long and 2048 apart, in the steady part."""
    window = np.hanning(8192)
    first, second = (np.fft.rfft(window * clip.samples[start : start + 8192]) for start in (12000, 14048))
    bin_hz = clip.sample_rate / 8192
    place = round(near_hz / bin_hz) + np.argmax(np.abs(first[round(near_hz / bin_hz) - 6 :][:13])) - 6
    expected = place * bin_hz
    advance = np.angle(second[place] / first[place]) - 2 * np.pi * expected * 2048 / clip.sample_rate
    return expected + (np.angle(np.exp(1j * advance)) / (2 * np.pi)) * clip.sample_rate / 2048


def test_a_note_does_not_depend_on_what_was_rendered_before(fluid):
    taiko, piano = index_of(fluid, "taiko_drum"), index_of(fluid, "acoustic_grand_piano")
    varied = index_of(fluid, "pad_2_warm", varied=True)
    order = [taiko, varied, taiko, piano, varied, piano, taiko]
    rendered = [fluid.read(index).samples for index in order]
    first = {index: samples for index, samples in reversed(list(zip(order, rendered, strict=True)))}
    for index, samples in zip(order, rendered, strict=True):
        assert np.array_equal(samples, first[index])
    assert not np.array_equal(first[piano], first[taiko])


@pytest.mark.parametrize("instrument", ["flute", "trumpet", "clarinet", "violin", "acoustic_grand_piano", "cello"])
def test_a4_is_440_hz(fluid, instrument):
    hz = fundamental_hz(fluid.read(index_of(fluid, instrument)))
    assert abs(1200 * np.log2(hz / 440)) < 5


def test_instruments_are_the_programs_of_their_names(fluid):
    names = {"acoustic_grand_piano": 0, "violin": 40, "trumpet": 56, "flute": 73, "gunshot": 127}
    assert {name: GM_INSTRUMENTS.index(name) for name in names} == names
    fluid.plan()
    title = soundfont._c_function("fluid_preset_get_name", ctypes.c_char_p, ctypes.c_void_p)
    chosen = soundfont._c_function("fluid_synth_get_channel_preset", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
    for name, word in [("violin", "Violin"), ("trumpet", "Trumpet"), ("flute", "Flute"), ("tuba", "Tuba")]:
        fluid.read(index_of(fluid, name))
        assert word in title(chosen(fluid._synth.synth, 0)).decode()


def test_a_note_is_held_and_released(fluid):
    samples = np.abs(fluid.read(index_of(fluid, "church_organ")).samples)
    assert len(samples) == 4 * 24000
    assert samples[48000:72000].max() > 0.03 and samples[-2400:].max() < 0.1 * samples[48000:72000].max()


def test_a_variation_offsets_the_soundfonts_own_parameters(fluid):
    cutoff = list(GENERATORS).index("filter_cutoff_cents")
    plain = index_of(fluid, "lead_2_sawtooth")
    note = fluid.plan()[plain]
    variation = [0.0] * len(GENERATORS)
    variation[cutoff] = -4800.0
    source = Soundfont(pitches=range(69, 70), velocities=(100,), sample_rate=24000, instruments=("lead_2_sawtooth",))
    source.plan().append(type(note)(note.instrument, note.pitch, note.velocity, tuple(variation)))

    def centroid_hz(samples):
        power = np.abs(np.fft.rfft(samples)) ** 2
        return (power * np.fft.rfftfreq(len(samples), 1 / 24000)).sum() / power.sum()

    assert centroid_hz(source.read(1).samples) < 0.5 * centroid_hz(source.read(0).samples)
    assert np.array_equal(source.read(0).samples, fluid.read(plain).samples)


def test_the_plan_is_the_same_every_time_and_velocities_differ(fluid):
    options = {"pitches": range(60, 62), "variations": 2, "sample_rate": 24000, "instruments": ("violin", "tuba")}
    plan = Soundfont(**options).plan()
    assert plan == Soundfont(**options).plan() and len(plan) == 2 * 2 * (3 + 2)
    assert plan != Soundfont(**options, seed=1).plan()
    assert all(1 <= note.velocity <= 127 and len(note.variation) in (0, len(GENERATORS)) for note in plan)


def test_copies_are_added_to_what_a_plan_was_without_them():
    options = {"pitches": range(60, 62), "variations": 2, "sample_rate": 24000}
    options["instruments"] = ("violin", "tuba", "flute")
    plan = Soundfont(**options, doubled=4, layers=5).plan()
    assert plan == Soundfont(**options, doubled=4, layers=5).plan()
    assert plan != Soundfont(**options, doubled=4, layers=5, seed=1).plan()
    layers = [note for note in plan if note.share]
    doubled = [note for note in plan if len(note.variation) > len(GENERATORS)]
    assert [note for note in plan if note not in layers + doubled] == Soundfont(**options).plan()
    assert len(layers) == 6 * 5 and len(doubled) == 6 * 4
    assert all(note.second in options["instruments"] and note.second != note.instrument for note in layers)
    assert len({(note.instrument, note.second) for note in layers}) == 6  # every pair comes up
    shares = [note.share for note in layers]
    assert 0.1 <= min(shares) < 0.2 and 0.4 < max(shares) <= 0.5
    assert {note.variation[:-1] for note in doubled} == {(0.0,) * len(GENERATORS)}
    assert all(4 <= note.variation[-1] <= 30 for note in doubled)
    assert len({note.velocity for note in layers + doubled}) > 20


def loudness(samples):
    column = [descriptor.name for descriptor in DESCRIPTORS].index("loudness")
    return measure(Clips(samples[None], 24000, (60.0,)))[0, column]


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_layer_holds_both_sounds_at_the_told_share(share):
    options = {"pitches": range(60, 61), "velocities": (90,), "sample_rate": 24000}
    source = Soundfont(**options, instruments=("trumpet", "church_organ"), layers=1)
    trumpet, organ = (source.read(index).samples for index, note in enumerate(source.plan()) if not note.share)
    source.plan().append(SourceNote("trumpet", 60, 90, second="church_organ", share=share))
    mixed = source.read(len(source.plan()) - 1).samples
    found, _, _, _ = np.linalg.lstsq(np.stack([trumpet, organ], axis=1), mixed, rcond=None)
    assert np.abs(found @ np.stack([trumpet, organ]) - mixed).max() < 1e-4  # these two, and nothing else
    ratio_db = loudness(found[1] * organ) - loudness(found[0] * trumpet)
    assert ratio_db == pytest.approx(20 * np.log10(share / (1 - share)), abs=1.5)
    with pytest.raises(AudioError, match="silent"):
        soundfont.layered(trumpet, 0 * organ, share, 24000)


@pytest.mark.parametrize(("instrument", "cents"), [("trumpet", 20.0), ("flute", 8.0)])
def test_a_doubled_note_beats_as_fast_as_told_and_is_in_tune(instrument, cents):
    options = {"pitches": range(69, 70), "velocities": (100,), "sample_rate": 24000, "instruments": (instrument,)}
    source = Soundfont(**options, doubled=1)
    source.plan().append(SourceNote(instrument, 69, 100, (0.0,) * len(GENERATORS) + (cents,)))
    alone, doubled = source.read(0), source.read(2)
    seconds = np.arange(36000) / 24000 + 0.5
    # The partials' level over time, each turned back by its own frequency: how much it swings at the rate of the beats.
    for number in (1, 2, 3):
        rate_hz = number * 440 * (2 ** (cents / 1200) - 1)
        swings = []
        for clip in (alone, doubled):
            turned = clip.samples[12000:48000] * np.exp(-2j * np.pi * number * 440 * seconds)
            level = np.abs(np.convolve(turned, np.hanning(1200), "same"))[1200:-1200]
            turns = np.exp(2j * np.pi * rate_hz * seconds[1200:-1200]) * np.hanning(len(level))
            swings.append(abs((level - level.mean()) @ turns) / (np.hanning(len(level)) @ level))
        assert swings[1] > 0.2 > 2 * swings[0], (number, swings)
    hz = hear(alone.samples, 24000).hz
    assert abs(cents_off(hear(doubled.samples, 24000).hz, 69) - cents_off(hz, 69)) < 2


def test_soundfonts_that_cannot_be_used_are_told_in_words(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="There is no soundfont"):
        Soundfont(tmp_path / "gone.sf2", sample_rate=24000)
    monkeypatch.setattr(soundfont, "DEFAULT_SOUNDFONT", tmp_path / "gone.sf2")
    with pytest.raises(DataError, match=r"There is no soundfont .*apt-get install .*fluid-soundfont-gm"):
        Soundfont(tmp_path / "gone.sf2", sample_rate=24000)
    (tmp_path / "text.sf2").write_text("not a soundfont")
    with pytest.raises(DataError, match="is not a soundfont"):
        Soundfont(tmp_path / "text.sf2", sample_rate=24000)
    with open(DEFAULT_SOUNDFONT, "rb") as whole:
        (tmp_path / "short.sf2").write_bytes(whole.read(100_000))
    with pytest.raises(DataError, match="damaged or cut short"):
        Soundfont(tmp_path / "short.sf2", sample_rate=24000).plan()
    with pytest.raises(InputError, match="Layers need two instruments"):
        Soundfont(sample_rate=24000, instruments=("violin",), layers=1).plan()
    with pytest.raises(InputError, match="Did you mean 'violin'"):
        Soundfont(sample_rate=24000, instruments=("voilin",))


def test_a_missing_fluidsynth_is_told_with_how_to_install_it(tmp_path, monkeypatch):
    soundfont._fluidsynth.cache_clear()
    try:
        monkeypatch.setitem(sys.modules, "fluidsynth", None)
        with pytest.raises(ToolError, match="pip install pyfluidsynth"):
            Soundfont(sample_rate=24000)
        monkeypatch.delitem(sys.modules, "fluidsynth")
        (tmp_path / "fluidsynth.py").write_text("raise ImportError('Could not find the FluidSynth library')")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ToolError, match="sudo apt-get install fluidsynth"):
            Soundfont(sample_rate=24000)
    finally:
        soundfont._fluidsynth.cache_clear()


# --- the command -------------------------------------------------------------------------------------------------


def run_command(*options):
    parser = argparse.ArgumentParser()
    data_command.add_arguments(parser)
    data_command.run(parser.parse_args([str(option) for option in options]))


def test_the_studio_spec_is_the_models():
    assert STUDIO_SPEC == SPEC and STUDIO_SPEC.frames == 128


def test_the_command_prepares_a_folder_and_says_what_it_skipped(tmp_path, capsys):
    sounds, out = tmp_path / "sounds", tmp_path / "set"
    for pitch in (60, 61, 62):
        write_tone(sounds / f"bell_{pitch:03}.wav", pitch)
    write_tone(sounds / "bell_063.wav", level=0.0)
    write_tone(sounds / "hum.wav")
    (sounds / "bell_064.wav").write_text("not a WAV file")
    command = ["--source", "folder", "--path", sounds, "--out", out, "--workers", 1]
    run_command(*command, "--dry-run")
    assert not out.exists()
    said = capsys.readouterr().out
    assert "5 notes of 1 instruments, pitches 60-64" in said and "bell      5 notes  C4 to E4" in said
    assert "not used: hum.wav: no pitch in its name" in said
    for _ in range(2):
        run_command(*command)
        said = capsys.readouterr().out
        assert "5 notes of 4 s at 24 kHz take 2.0 MB" in said and "Ready: 3 notes" in said
        assert "Skipped: 3" in said and "skipped.txt" in said
    reasons = skip_reasons(out)
    assert reasons["silent"] == reasons["no pitch in its name"] == 1
    assert sum(count for reason, count in reasons.items() if reason.startswith("unreadable: ")) == 1
    listed = (out / "skipped.txt").read_text()
    assert all(name in listed for name in ("hum.wav", "bell_063.wav", "bell_064.wav"))
    assert sorted(NoteSet.open(out).notes["pitch"]) == [60, 61, 62]


def test_the_command_renders_a_soundfont_and_nsynth(tmp_path, capsys, nsynth):
    options = ["--pitches", "60-61", "--variations", 0, "--workers", 1, "--instruments", "flute"]
    run_command(*options, "--out", tmp_path / "set")
    data = NoteSet.open(tmp_path / "set")
    assert len(data) == 6 and data.instruments == ("flute",) and data.sources[0]["licence"] == "MIT"
    options = ["--source", "nsynth", "--path", nsynth, "--naming", "family_source", "--kinds", "acoustic,electronic"]
    run_command(*options, "--workers", 1, "--out", tmp_path / "other")
    assert NoteSet.open(tmp_path / "other").instruments == ("bass_electronic", "brass_acoustic")
    assert "CC BY 4.0" in capsys.readouterr().out


def test_the_command_makes_layers_and_doubled_notes(tmp_path, capsys):
    options = ["--pitches", "60-61", "--variations", 0, "--workers", 1, "--instruments", "flute,violin"]
    run_command(*options, "--layers", 2, "--doubled", 1, "--out", tmp_path / "set")
    assert "24 notes of 2 instruments, 8 of them of two at once, pitches 60-61" in capsys.readouterr().out
    data = NoteSet.open(tmp_path / "set")
    assert (~data.plain()).sum() == 8 and data.sources[0]["variation_names"][-1] == "detune_cents"
    assert (data.notes["variation"][:, len(GENERATORS)] > 0).sum() == 4


def test_the_command_makes_sets_for_magentas_models(tmp_path, capsys, nsynth):
    for pitch in (20, 60, 90):
        write_tone(tmp_path / "sounds" / f"bell_{pitch:03}.wav", pitch)
    options = ["--spec", "magenta", "--workers", 1]
    run_command(
        *options, "--source", "folder", "--path", tmp_path / "sounds", "--out", tmp_path / "refused", "--dry-run"
    )
    assert "1 notes of 1 instruments, pitches 60-60" in capsys.readouterr().out  # of the keys its models know
    run_command(*options, "--pitches", "60-61", "--variations", 0, "--instruments", "flute", "--out", tmp_path / "set")
    said = capsys.readouterr().out
    assert "6 notes of 4 s at 16 kHz take 3.1 MB" in said and "--recipe magenta " in said
    data = NoteSet.open(tmp_path / "set")
    assert data.spec == MAGENTA_SPEC and data.stored(np.array([0])).dtype == np.float16
    run_command(*options, "--source", "nsynth", "--path", nsynth, "--out", tmp_path / "other")
    assert NoteSet.open(tmp_path / "other").spec == MAGENTA_SPEC


def test_ctrl_c_is_answered_with_how_to_continue(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(preparing, "prepare", interrupted)
    with pytest.raises(SystemExit) as stopped:
        run_command("--instruments", "flute", "--pitches", "60", "--out", tmp_path / "set")
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\nStopped. Give the same command again to continue.\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--path", "gone.sf2"], "There is no soundfont"),
        (["--source", "folder"], "needs --path"),
        (["--source", "folder", "--path", "gone"], "There is no folder"),
        (["--source", "nsynth", "--path", "."], "There is no examples.json"),
        (["--pitches", "84-24"], "must rise and lie in 0-127"),
        (["--pitches", "low"], "is not a range of pitches"),
        (["--instruments", "voilin"], "Did you mean 'violin'?"),
        (["--workers", "0"], "--workers must be at least 1"),
        (["--rate", "100"], "A rate of 100 Hz is not possible"),
        (["--variations", "-1"], "--variations cannot be negative"),
        (["--layers", "-1"], "--layers cannot be negative"),
        (["--layers", "1", "--spec", "magenta"], "--layers works with --spec studio only"),
        (["--doubled", "1", "--source", "folder", "--path", "gone"], "--doubled works with --source soundfont only"),
        (["--kinds", "acoustic"], "--kinds works with --source nsynth only"),
    ],
)
def test_bad_options_are_one_sentence(tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GanSynthError) as raised:
        run_command("--out", "set", *options)
    assert sentence in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "set").exists()
