"""The parts of a song: what plays which, where in stereo, how loud, and as files of their own."""

import numpy as np
import pytest
import soundfile
from mido import Message, MetaMessage
from sine_voice import SPEC, SineGenerator, sine_card, sine_synth
from test_midi import CARD, RATE, SECOND, control, level_db, midi, part, partial_db, played, true_peak_db

from gansynth_core import (
    Clip,
    InputError,
    Kit,
    Part,
    Synth,
    TimbrePath,
    cast_song,
    read_midi,
    read_timbre,
    render_midi,
    sample,
)
from gansynth_core.__main__ import main
from gansynth_core.midi.drums import DRUMS
from gansynth_core.packs.levels import loudness_lufs

VIOLIN, FLUTE = 40, 73
C4 = 440 * 2 ** (-9 / 12)


@pytest.fixture(scope="module")
def synth():
    return sine_synth()


@pytest.fixture(scope="module")
def kit_synth():
    names = dict.fromkeys(["violin", "flute", *(drum.instrument for drum in DRUMS.values())])
    return Synth(sine_card("drummer", tuple(names)), SineGenerator(), device="cpu", griffin_lim_steps=0)


def program(number, channel=0, seconds=0.0):
    return [(round(seconds * SECOND), Message("program_change", program=number, channel=channel))]


def named(text):
    return [(0, MetaMessage("track_name", name=text))]


DUO = midi(named("Lead") + program(VIOLIN) + played(0, 0.5, 60), program(FLUTE, 1) + played(1, 1.5, 60, channel=1))


# --- which parts a song has -------------------------------------------------------------------------------------------


def test_a_part_is_a_track_a_channel_and_a_program():
    two_hands = midi(played(0, 1, 60), played(0, 1, 48), played(0, 1, 38, channel=9))
    assert read_midi(two_hands).parts == (Part(1, 1), Part(2, 1), Part(3, 10))
    song = read_midi(DUO)
    assert song.parts == (Part(1, 1, VIOLIN, "Lead"), Part(2, 2, FLUTE))
    assert [note.part for note in song.notes] == [0, 1]
    assert [one.instrument for one in song.parts] == ["violin", "flute"]


def test_a_track_of_all_channels_is_told_apart_and_a_program_may_change():
    events = named("Song") + program(FLUTE, 1) + played(0, 1, 60) + played(0, 1, 60, channel=1)
    song = read_midi(midi(events + program(VIOLIN, 1, 2) + played(2, 3, 60, channel=1), kind=0))
    assert song.parts == (Part(1, 1), Part(1, 2, FLUTE), Part(1, 2, VIOLIN))
    assert [note.part for note in song.notes] == [0, 1, 2]


def test_parts_without_number_are_taken_together_by_channel():
    tracks = [played(0, 1, 60, channel=number % 3) for number in range(200)]
    song = read_midi(midi(*tracks))
    assert [one.channel for one in song.parts] == [1, 2, 3]
    assert song.notices == ("More than 64 parts in the file: taken together by channel.",)


def test_names_are_read_in_any_coding_and_kept_short():
    raw = midi(named("x" * 9) + played(0, 1, 60))
    for written, read in {b"Fl\xc3\xb6te  1": "Flöte 1", b"Fl\xf6te\n\x001": "Flöte 1"}.items():
        assert read_midi(raw.replace(b"x" * 9, written.ljust(9))).parts[0].name == read
    assert len(read_midi(midi(named("x" * 500) + played(0, 1, 60))).parts[0].name) == 60


# --- what plays them --------------------------------------------------------------------------------------------------


def timbre_db(clip, start):
    """How loud the violin's second and the flute's third partial are."""
    return [partial_db(clip, times * C4, start, start + 0.5) for times in (2, 3)]


def test_a_file_is_played_as_it_is_written(synth):
    result = render_midi(DUO, synth)
    assert result.notices == () and result.notes == 2
    (violin, other), (none, flute) = (timbre_db(result.clip, start) for start in (0, 1))
    assert violin > other + 30 and flute > none + 30


def test_parts_are_played_by_hand_by_a_path_or_not_at_all(synth):
    result = render_midi(DUO, synth, parts={0: "flute:3"})
    assert timbre_db(result.clip, 0)[1] > timbre_db(result.clip, 0)[0] + 30
    alone = render_midi(DUO, synth, parts={0: None})
    assert alone.notes == 1 and level_db(alone.clip, 0, 0.9) < -100
    along = render_midi(DUO, synth, ["violin", "flute"], parts={1: ["flute", "violin"]}, stems=True)
    assert [stem.sound for stem in along.stems] == ["violin to flute", "flute to violin"]
    assert along.stems[0].timbre is None


def test_programs_that_a_model_lacks_are_played_by_their_kin_or_by_any_and_said(synth):
    song = read_midi(
        midi(program(41) + played(0, 1, 60), program(74, 1) + played(0, 1, 60, channel=1), played(0, 1, 60, channel=2))
    )
    casting = cast_song(song, CARD)
    assert [cast.sound for cast in casting.parts] == ["violin", "flute", "violin"]
    (notice,) = casting.notices
    assert "viola by violin" in notice and "recorder by flute" in notice and "acoustic_grand_piano by violin" in notice


def test_without_instruments_each_part_has_a_sound_of_its_own():
    card = sine_card("plain", ())
    casting = cast_song(read_midi(DUO), card)
    assert casting.parts[0].timbre == sample(card, 1, 0)[0] and casting.parts[1].timbre == sample(card, 1, 1)[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": {2: "violin"}}, "2 parts, and no part 2"),
        ({"parts": {True: "violin"}}, "no part True"),
        ({"parts": {0: "violn"}}, "Did you mean 'violin'"),
        ({"parts": {0: None, 1: None}}, "Every part of this song is left out"),
        ({"at": [0, 1]}, "say which sound"),
        ({"sample_rate": 22050}, "44100 or 48000 samples a second, or the model's own 24000"),
    ],
)
def test_mistakes_are_refused_in_words(synth, options, message):
    with pytest.raises(InputError, match=message):
        render_midi(DUO, synth, **options)


# --- drums ------------------------------------------------------------------------------------------------------------


def test_drums_are_played_by_the_instruments_nearest_to_them_and_that_is_said(kit_synth):
    drums = played(0, 0.01, 36, channel=9) + played(1, 1.01, 38, channel=9) + played(2, 2.01, 1, channel=9)
    result = render_midi(midi(program(VIOLIN) + played(3, 3.2, 60), drums), kit_synth, stems=True)
    said, unknown = result.notices
    assert "'drummer' has no drum kit: 2 notes on the drum channel" in said and DRUMS[36].instrument in said
    assert unknown == "1 note left out, as General MIDI has no drum there: key 1."
    stem = next(stem for stem in result.stems if stem.sound == "percussion")
    assert stem.timbre is None and stem.file_name == "02_percussion.wav"
    kick = DRUMS[36]
    # A drum sounds for its own time, however soon its key is let go.
    assert level_db(stem.clip, 0, kick.seconds * 0.9) > -40 and level_db(stem.clip, kick.seconds + 0.31, 0.99) < -100


def test_a_closed_hi_hat_ends_an_open_one(kit_synth):
    alone = render_midi(midi(played(0, 0.01, 46, channel=9) + played(2, 2.01, 38, channel=9)), kit_synth)
    closed = render_midi(midi(played(0, 0.01, 46, channel=9) + played(0.1, 0.11, 42, channel=9)), kit_synth)
    casts = [cast_song(read_midi(midi(data)), kit_synth.card).parts[0].plays for data in (
        played(0, 0.01, 46, channel=9), played(0, 0.01, 46, channel=9) + played(0.1, 0.11, 42, channel=9))]  # fmt: skip
    assert casts[0][0].seconds == DRUMS[46].seconds > 0.1 and casts[1][0].seconds == pytest.approx(0.1)
    assert alone.notes == closed.notes == 2


def test_the_kit_has_all_drums_of_general_midi_within_reach_of_the_voice():
    assert set(range(35, 82)) <= set(DRUMS)
    for drum in DRUMS.values():
        assert 24 <= drum.pitch <= 84 and 0 < drum.seconds <= 2.7
    from gansynth_core import load_card, model_folder

    kit = Kit.of(load_card(model_folder("studio")))
    assert kit is not None and set(kit.timbres) == {drum.instrument for drum in DRUMS.values()}
    assert Kit.of(CARD) is None


# --- stereo and level -------------------------------------------------------------------------------------------------


def sides_db(clip, start, end):
    return [level_db(Clip(clip.samples[:, side], clip.sample_rate), start, end) for side in (0, 1)]


def test_pan_places_a_part_in_stereo_at_equal_power(synth):
    places = {0: 0, 1: 1, 2: 64, 3: 127}  # second -> pan
    events = [
        event for second, pan in places.items() for event in control(second, 10, pan) + played(second, second + 0.5, 60)
    ]
    clip = render_midi(midi(events), synth, "violin").clip
    left, middle, right = (sides_db(clip, second + 0.1, second + 0.4) for second in (0, 2, 3))
    assert left[1] < -100 and right[0] < -100 and sides_db(clip, 1.1, 1.4) == pytest.approx(left, abs=0.1)
    assert middle[0] == pytest.approx(middle[1], abs=0.01)
    assert left[0] - middle[0] == pytest.approx(3.01, abs=0.05) and right[1] == pytest.approx(left[0], abs=0.05)


def test_pan_moves_a_note_that_sounds(synth):
    sweep = [event for step in range(128) for event in control(1 + step / 127, 10, step)]
    clip = render_midi(midi(control(0, 10, 0) + sweep + played(0, 3, 60)), synth, "violin").clip
    balance = [np.diff(sides_db(clip, start, start + 0.05))[0] for start in np.arange(0.95, 2.1, 0.1)]
    assert balance == sorted(balance) and balance[0] < -60 and balance[-1] > 60
    power = [
        10 * np.log10(sum(10 ** (db / 10) for db in sides_db(clip, start, start + 0.1)))
        for start in np.arange(0.3, 2.8, 0.1)
    ]
    assert max(power) - min(power) < 0.2


def test_instruments_are_equally_loud_at_the_same_velocity():
    """The fake's notes are all as high as each other, but this one's violin dies away at once."""

    class Plucked(SineGenerator):
        def stft(self, z, pitch, instruments):
            import torch

            fall = 10 ** (-torch.arange(SPEC.frames) / 4)
            dying = super().stft(z, pitch, instruments)
            return torch.where(instruments[:, :1, None] > 0, dying * fall[None, :, None], dying)

    plucked = Synth(CARD, Plucked(), device="cpu", griffin_lim_steps=0)
    stems = render_midi(DUO, plucked, stems=True).stems
    violin, flute = (loudness_lufs(stem.clip.samples, RATE) for stem in stems)
    assert abs(violin - flute) < 2.5
    assert np.abs(stems[0].clip.samples).max() > 1.5 * np.abs(stems[1].clip.samples).max()


# --- files ------------------------------------------------------------------------------------------------------------


def test_stems_add_up_to_the_song_and_carry_their_sounds(synth, tmp_path):
    result = render_midi(DUO, synth, parts={0: "violin:7"}, sample_rate=44100, stems=True)
    paths = [stem.save(tmp_path) for stem in result.stems]
    assert [path.name for path in paths] == ["01_lead_violin.wav", "02_flute.wav"]
    mix = soundfile.read(result.clip.save(tmp_path / "mix.wav"))[0]
    waves = [soundfile.read(path) for path in paths]
    assert all(rate == 44100 and wave.shape == mix.shape for wave, rate in waves)
    assert np.abs(sum(wave for wave, _ in waves) - mix).max() < 3 / 2**23
    assert read_timbre(paths[0]) == sample(CARD, 1, 7, "violin")[0]
    assert read_timbre(paths[1]) == sample(CARD, 1, 0, "flute")[0]


@pytest.mark.parametrize(
    ("rate", "bits", "subtype"), [(44100, 16, "PCM_16"), (48000, 24, "PCM_24"), (44100, 32, "FLOAT")]
)
def test_the_command_writes_what_it_is_asked_for(tmp_path, monkeypatch, synth, capsys, rate, bits, subtype):
    monkeypatch.setattr("gansynth_core.midi.command.Synth.load", lambda model: synth)
    monkeypatch.setattr("gansynth_core.midi.command.load_card", lambda folder: CARD)
    (tmp_path / "duo.mid").write_bytes(DUO)
    out, stems = tmp_path / "duo.wav", tmp_path / "stems"
    options = ["--rate", str(rate), "--bits", str(bits), "--stems", str(stems), "--part", "2=violin,flute"]
    assert main(["midi", str(tmp_path / "duo.mid"), *options, "-o", str(out)]) == 0
    for path in (out, *stems.iterdir()):
        about = soundfile.info(path)
        assert (about.samplerate, about.subtype, about.channels) == (rate, subtype, 2)
    samples, _ = soundfile.read(out, dtype="float32")
    assert true_peak_db(Clip(samples, rate)) == pytest.approx(-1, abs=0.02)
    assert "02_violin_to_flute.wav" in capsys.readouterr().out


def test_the_command_lists_parts_and_renders_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gansynth_core.midi.command.load_card", lambda folder: CARD)
    (tmp_path / "duo.mid").write_bytes(DUO)
    assert main(["midi", str(tmp_path / "duo.mid"), "--list", "--part", "2=off", "-o", str(tmp_path / "a.wav")]) == 0
    first, one, two = capsys.readouterr().out.splitlines()
    assert first.split() == ["part", "channel", "notes", "name", "written", "for", "played", "by"]
    assert one.split() == ["1", "1", "1", "Lead", "violin", "violin"] and two.split() == [
        "2",
        "2",
        "1",
        "flute",
        "nothing",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["duo.mid"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--part", "flute"], "such as 2=flute"),
        (["--part", "0=flute"], "such as 2=flute"),
        (["--part", "3=flute"], "2 parts, and no part 2"),
        (["--bits", "16", "-o", "{}/a.flac"], "a .wav file, and 'a.flac' is none"),
    ],
)
def test_the_command_refuses_in_one_sentence(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.setattr("gansynth_core.midi.command.load_card", lambda folder: CARD)
    (tmp_path / "duo.mid").write_bytes(DUO)
    options = [option.format(tmp_path) for option in options]
    assert main(["midi", str(tmp_path / "duo.mid"), "-o", str(tmp_path / "a.wav"), *options]) == 1
    assert message in capsys.readouterr().err and [path.name for path in tmp_path.iterdir()] == ["duo.mid"]


def test_a_stereo_sound_is_saved_in_other_formats_and_shown(synth, tmp_path):
    clip = render_midi(midi(control(0, 10, 0) + played(0, 0.5, 60)), synth, "violin").clip
    assert clip.channels == 2 and "audio" in clip._repr_html_()
    flac, rate = soundfile.read(clip.save(tmp_path / "a.flac"), dtype="float32")
    assert rate == RATE and np.abs(flac - clip.samples).max() < 1 / 2**22
    assert np.abs(part(clip, 0, 0.5)).max() > 0.3


def test_a_path_of_places_may_play_a_part(synth):
    a, b = sample(CARD, 1, 1, "violin")[0], sample(CARD, 1, 2, "flute")[0]
    casting = cast_song(read_midi(DUO), CARD, parts={0: TimbrePath([a, b], [0.5, 0.6])})
    assert casting.parts[0].plays[0].timbre == a
