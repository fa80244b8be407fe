"""MIDI files played by a generator of sines: what is heard when, at which pitch, how loud, in which timbre.

tests/data/magenta/generate_util_io.npz: latents along a song, as Magenta's own generate_util.py made them.
tests/data/midi: small files on which readers of MIDI files stumble.
"""

import io
import json
import random
from pathlib import Path

import mido
import numpy as np
import pytest
from mido import Message, MetaMessage
from sine_voice import SineGenerator, sine_card, sine_synth

from gansynth_core import (
    AudioError,
    InputError,
    PackItem,
    PackPlan,
    Patch,
    Synth,
    Timbre,
    TimbrePath,
    Tuning,
    parse_timbre,
    random_timbres,
    read_midi,
    read_wav,
    render_midi,
    sample,
    write_pack,
)
from gansynth_core.__main__ import main
from gansynth_core.magenta_import import import_magenta

DATA = Path(__file__).parent / "data" / "magenta"
SMALL = Path(__file__).parent / "data" / "midi"
TICKS = 480  # a quarter note: half a second at the tempo a file has by itself
SECOND = 2 * TICKS
RATE = 24000
CARD = sine_card()


def midi(*tracks, ticks=TICKS, kind=1) -> bytes:
    """A MIDI file of tracks, each a list of (tick, message)."""
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    for events in tracks:
        track = mido.MidiTrack()
        now = 0
        for tick, message in sorted(events, key=lambda event: event[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def played(start, end, pitch, velocity=100, channel=0):
    """A note from `start` to `end` seconds, at the default tempo."""
    on = Message("note_on", note=pitch, velocity=velocity, channel=channel)
    off = Message("note_off", note=pitch, channel=channel)
    return [(round(start * SECOND), on), (round(end * SECOND), off)]


def control(seconds, number, value, channel=0):
    return [(round(seconds * SECOND), Message("control_change", control=number, value=value, channel=channel))]


def spans(song):
    return [(round(note.start, 4), round(note.end, 4), note.pitch) for note in song.notes]


@pytest.fixture(scope="module")
def synth():
    return sine_synth()


def part(clip, start, end):
    """What is heard between two moments, both channels together: float64 [n]."""
    samples = clip.samples[round(start * clip.sample_rate) : round(end * clip.sample_rate)].astype(np.float64)
    return samples if samples.ndim == 1 else samples.sum(axis=1) / np.sqrt(2)


def true_peak_db(clip):
    """The highest level between samples, by a long FFT with zeros in the middle: 8 times the rate."""
    samples = clip.samples.reshape(len(clip.samples), -1).astype(np.float64)
    spectrum = np.fft.rfft(samples, axis=0)
    return 20 * np.log10(np.abs(np.fft.irfft(spectrum, 8 * len(samples), axis=0) * 8).max())


def level_db(clip, start, end):
    return 10 * np.log10(np.square(part(clip, start, end)).mean() + 1e-12)


def partial_db(clip, hz, start, end):
    """Level of one partial: the wave's product with a windowed phasor."""
    wave = part(clip, start, end)
    window = np.hanning(len(wave))
    phasor = np.exp(-2j * np.pi * hz * np.arange(len(wave)) / clip.sample_rate)
    return 20 * np.log10(2 * abs((wave * window) @ phasor) / window.sum() + 1e-9)


def cents_off(clip, pitch, start, end):
    """Of the loudest partial near `pitch`, by a parabola through the peak of a zero-padded spectrum in dB."""
    wave = part(clip, start, end)
    size = 1 << 20
    hz = 440 * 2 ** ((pitch - 69) / 12)
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(wave * np.hanning(len(wave)), size)) + 1e-12)
    low, high = (round(hz * 2 ** (side / 24) * size / clip.sample_rate) for side in (-1, 1))
    peak = low + int(spectrum[low:high].argmax())
    left, top, right = spectrum[peak - 1 : peak + 2]
    place = peak + 0.5 * (left - right) / (left - 2 * top + right)
    return 1200 * np.log2(place * clip.sample_rate / size / hz)


# --- which notes a file holds -----------------------------------------------------------------------------------------


def test_tempo_changes_of_one_track_move_the_notes_of_another():
    tempo = [(0, MetaMessage("set_tempo", tempo=1_000_000)), (TICKS, MetaMessage("set_tempo", tempo=250_000))]
    notes = played(0, 0.5, 60) + played(0.5, 1, 62)  # a quarter note each
    song = read_midi(midi(tempo, notes))
    assert spans(song) == [(0, 1, 60), (1, 1.25, 62)] and song.seconds == 1.25


def test_ticks_may_be_parts_of_film_frames():
    data = bytearray(midi(played(0, 0.5, 60)))
    data[12:14] = bytes([256 - 25, 40])  # 25 frames a second of 40 ticks each: 1000 ticks a second
    assert spans(read_midi(bytes(data))) == [(0, 0.48, 60)]


def test_overlapping_equal_notes_end_in_the_order_they_began_and_each_track_ends_its_own():
    song = read_midi(midi(played(0, 2, 60) + played(1, 3, 60), played(0.5, 0.75, 60)))
    assert spans(song) == [(0, 2, 60), (0.5, 0.75, 60), (1, 3, 60)]


def test_the_pedal_holds_notes_of_its_channel_until_it_is_lifted_or_the_key_is_struck_again():
    pedal = control(0, 64, 127) + control(4, 64, 0)
    other = played(0, 0.5, 72, channel=1)
    song = read_midi(midi(pedal + played(0, 0.5, 60) + played(1, 1.5, 64) + played(2, 2.5, 60) + other))
    assert spans(song) == [(0, 2, 60), (0, 0.5, 72), (1, 4, 64), (2, 4, 60)]


def test_all_notes_off_and_all_sound_off():
    pedal = control(0, 64, 127)
    assert spans(read_midi(midi(played(0, 3, 60) + control(1, 123, 0)))) == [(0, 1, 60)]
    assert spans(read_midi(midi(pedal + played(0, 3, 60) + control(1, 123, 0) + control(2, 64, 0)))) == [(0, 2, 60)]
    assert spans(read_midi(midi(pedal + played(0, 3, 60) + control(1, 120, 0) + control(2, 64, 0)))) == [(0, 1, 60)]


def test_a_note_on_of_velocity_0_ends_a_note():
    events = [(0, Message("note_on", note=60, velocity=90)), (SECOND, Message("note_on", note=60, velocity=0))]
    assert spans(read_midi(midi(events, kind=0))) == [(0, 1, 60)]


def test_what_is_not_played_as_written_is_said(synth):
    endless = [(0, Message("note_on", note=60, velocity=90))]
    song = read_midi(midi(endless + played(0, 2, 62)))
    assert spans(song) == [(0, 2, 60), (0, 2, 62)]
    assert [notice.split(":")[0] for notice in song.notices] == ["1 note without an end in the file"]


def keys(text: str) -> list:
    """Of one key: `on 0, on 1, off 2`, in seconds."""
    events = []
    for word in text.split(", "):
        what, second = word.split()
        events.append((round(float(second) * SECOND), Message(f"note_{what}", note=60)))
    return events


@pytest.mark.parametrize(
    ("played", "heard", "repaired"),
    [
        ("on 0, on 0.5, off 1", [(0, 0.5), (0.5, 1)], 1),
        ("on 0, on 1, on 2, on 3, off 4", [(0, 1), (1, 2), (2, 3), (3, 4)], 3),
        ("on 0, on 1, off 2, on 60, off 61", [(0, 1), (1, 2), (60, 61)], 1),
        ("on 0, on 1, on 2, off 3, off 4, on 60, off 61", [(0, 1), (1, 3), (2, 4), (60, 61)], 1),
        ("on 0, on 0, off 1, on 60, off 61", [(0, 1), (0, 1), (60, 61)], 1),
        ("on 0, off 1, off 2, on 3, off 4", [(0, 1), (3, 4)], 0),
        # Nothing is missing: notes overlap, or a note-off comes after the next strike of its tick.
        ("on 0, on 1, off 2, on 3, off 4, off 5", [(0, 2), (1, 4), (3, 5)], 0),
        ("on 0, on 1, off 1, on 2, off 2, off 3", [(0, 1), (1, 2), (2, 3)], 0),
        ("on 0, on 1, off 1, off 1, on 2, off 3", [(0, 1), (1, 1), (2, 3)], 0),
        # The same, and later a key that is let go once for two strikes, or never.
        ("on 0, on 1, off 1, on 2, off 2, on 3, off 4", [(0, 1), (1, 2), (2, 3), (3, 4)], 1),
        ("on 0, on 1, off 1, on 2, off 2, on 3", [(0, 1), (1, 2), (2, 3), (3, 3)], 1),
    ],
)
def test_a_key_let_go_less_often_than_it_was_struck_does_not_hang(played, heard, repaired):
    song = read_midi(midi(keys(played), kind=0))
    assert [(note.start, note.end) for note in song.notes] == heard
    said = [notice for notice in song.notices if "without a note-off: stopped" in notice]
    assert [int(notice.split()[0]) for notice in said] == [repaired] * bool(repaired)


def test_notes_of_other_keys_channels_and_tracks_keep_their_ends_where_one_lacks_its_own():
    first = keys("on 0, on 1, off 2") + played(0, 5, 61) + played(0, 6, 60, channel=1)
    song = read_midi(midi(first + control(20, 123, 0) + played(21, 22, 60), played(0, 7, 60)))
    assert spans(song) == [(0, 1, 60), (0, 7, 60), (0, 5, 61), (0, 6, 60), (1, 2, 60), (21, 22, 60)]


SCALE = [(beat / 2, beat / 2 + 0.5, pitch) for beat, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]


@pytest.mark.parametrize(
    ("file", "heard", "said"),
    [
        ("scale.mid", SCALE, []),
        ("scale.rmi", SCALE, []),
        ("alien_chunk.mid", SCALE, ["1 chunk other than tracks"]),
        ("too_few_tracks_in_header.mid", SCALE, ["2 tracks in the file, where its header says 1"]),
        ("too_many_tracks_in_header.mid", SCALE, ["2 tracks in the file, where its header says 5"]),
        ("no_end_of_track.mid", SCALE, ["1 track without an end"]),
        ("running_status_after_sysex.mid", [(0, 0.5, 60)], ["1 event without a status of its own"]),
        ("hang_min.mid", [(0, 0.5, 60), (0.5, 1, 60), (12, 12.5, 72)], ["1 note without a note-off"]),
        ("off_first.mid", [(0, 6.5, 60), (6, 6.5, 72)], ["1 note without an end in the file"]),
        ("on_before_off.mid", [(0, 0.5, 60), (0.5, 1, 60), (5, 5.5, 72)], []),
        ("zero_len.mid", [(0, 0, 60), (2, 2.5, 60), (7.5, 8, 72)], []),
        ("rpn_tuning.mid", [(0, 1, 60)], []),
    ],
)
def test_files_on_which_readers_stumble_are_read_as_they_were_meant(file, heard, said):
    song = read_midi(SMALL / file)
    assert spans(song) == heard
    for notice, words in zip(song.notices, said, strict=True):
        assert notice.startswith(words) and notice.endswith(".")


def parameter(seconds, low, high_value, low_value=None, channel=0):
    """A registered parameter, of the first 128."""
    values = [(101, 0), (100, low), (6, high_value)] + ([] if low_value is None else [(38, low_value)])
    return [event for number, value in values for event in control(seconds, number, value, channel)]


def master(seconds, which, low, high):
    return [(round(seconds * SECOND), Message("sysex", data=(0x7F, 0x7F, 4, which, low, high)))]


@pytest.mark.parametrize(
    ("events", "cents"),
    [
        (parameter(0, 2, 66), 200),
        (parameter(0, 2, 61), -300),
        (parameter(0, 1, 96, 0), 50),
        (parameter(0, 1, 32), -50),
        (parameter(0, 2, 65) + parameter(0, 1, 80, 64), 125.78125),
        (master(0, 3, 0, 32), -50),
        (master(0, 4, 0, 67), 300),
        (master(0, 4, 0, 65) + parameter(0, 2, 65), 200),
        (parameter(0, 0, 12), 0),  # how far a bend goes, and none is there
        (parameter(0, 1, 64, 0), 0),
        (parameter(0, 2, 66, channel=1), 0),
        (control(0, 101, 0) + control(0, 100, 2) + control(0, 99, 1) + control(0, 6, 70), 0),  # of another kind
        (control(0, 101, 0) + control(0, 100, 2) + control(0, 121, 0) + control(0, 6, 70), 0),
        (control(0, 6, 70), 0),
    ],
)
def test_a_tuned_channel_is_heard_at_its_tuning(synth, events, cents):
    song = read_midi(midi(events + played(0, 0.5, 60)))
    assert 100 * song.tuning(1).value(0.1) == pytest.approx(cents, abs=1e-9) and song.notes[0].pitch == 60
    result = render_midi(song, synth, "violin")
    assert result.notices == () and abs(cents_off(result.clip, 60 + cents / 100, 0.05, 0.5)) < 3


def test_a_tuning_is_heard_from_its_place_on_and_leaves_drums_alone(synth):
    events = played(0, 1, 60) + parameter(0.5, 2, 66) + played(1.4, 2, 60) + parameter(0, 2, 70, channel=9)
    song = read_midi(midi(events + played(2.5, 3, 50, channel=9)))
    clip = render_midi(song, synth, "violin", drums=True).clip
    assert song.notices == () and abs(cents_off(clip, 60, 0.05, 0.45)) < 3
    for start, pitch in ((0.55, 62), (1.45, 62), (2.55, 50)):
        assert abs(cents_off(clip, pitch, start, start + 0.4)) < 3


QUARTER = "quarters\n4\n3/2\n150.0\n600.0\n2/1\n"
ALTERNATE = "2\n0\n127\n60\n60\n261.6255653\n2\n0\nx\n"  # every other key has no note


def test_a_song_is_heard_in_a_named_tuning_which_leaves_drums_alone(synth):
    notes = played(0, 0.5, 64) + played(1, 1.5, 69) + played(2, 2.5, 62)
    song = midi(notes + played(3, 3.5, 50, channel=9))
    result = render_midi(song, synth, "violin", drums=True, tuning="pythagorean@430")
    assert result.notices == ("The keys are tuned to 'pythagorean@430'.",)
    tuning = Tuning.named("pythagorean@430")
    for start, key in ((0, 64), (1, 69), (2, 62)):
        assert abs(cents_off(result.clip, tuning.pitch(key), start + 0.05, start + 0.5)) < 3
    assert abs(tuning.pitch(64) - 64) > 0.3 and abs(cents_off(result.clip, 50, 3.05, 3.5)) < 3
    assert render_midi(song, synth, "violin", tuning="equal").notices == render_midi(song, synth, "violin").notices


def test_bends_of_the_file_come_on_top_of_a_tuning(synth):
    song = midi(parameter(0, 1, 96, 0) + played(0, 0.5, 64))  # a quarter tone up
    clip = render_midi(song, synth, "violin", tuning="24-edo@440").clip
    assert abs(cents_off(clip, Tuning.named("24-edo@440").pitch(64) + 0.5, 0.05, 0.5)) < 3


def test_keys_without_a_note_in_a_tuning_are_left_out_and_told(synth):
    tuning = Tuning.from_scala(None, ALTERNATE)
    result = render_midi(midi(played(0, 0.5, 60) + played(1, 1.5, 61)), synth, "violin", tuning=tuning)
    assert result.notes == 1
    assert result.notices[1] == "1 note left out, as the tuning has no note there: key 61."
    with pytest.raises(InputError, match="None of the keys of this MIDI file has a note in the tuning"):
        render_midi(midi(played(0, 0.5, 61)), synth, "violin", tuning=tuning)
    with pytest.raises(InputError, match="There is no tuning 'werkmeister'"):
        render_midi(midi(played(0, 0.5, 61)), synth, "violin", tuning="werkmeister")


def test_a_tuning_that_leads_out_of_what_the_model_learned_is_played_in_tune(synth):
    edge = render_midi(midi(parameter(0, 1, 80) + played(0, 0.5, 84) + played(1, 1.5, 83)), synth, "violin")
    assert edge.notices == ()
    assert abs(cents_off(edge.clip, 84.25, 0.05, 0.5)) < 3 and abs(cents_off(edge.clip, 83.25, 1.05, 1.5)) < 3
    above = render_midi(midi(parameter(0, 2, 66) + played(0, 0.5, 84)), synth, "violin")
    assert above.notices == () and abs(cents_off(above.clip, 86, 0.05, 0.5)) < 3
    far = render_midi(midi(parameter(0, 2, 68) + played(0, 0.5, 84)), synth, "violin")
    assert "pitch 88 to 76." in far.notices[0] and abs(cents_off(far.clip, 76, 0.05, 0.5)) < 3


WHOLE = midi(played(0, 1, 60))


def track(events: bytes) -> bytes:
    return WHOLE[:14] + b"MTrk" + len(events).to_bytes(4, "big") + events


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a MIDI file"),
        (b"RIFF....WAVEfmt ", "not a MIDI file"),
        (WHOLE[:-11], "ends too early"),
        (WHOLE[:14] + b"XXXX" + WHOLE[18:], "no MTrk"),
        (track(b"\0\xf5\0"), "undefined status"),
        (WHOLE[:12] + b"\0\0" + WHOLE[14:], "how long a tick is"),
        (track(b"\xff" * 5000), "a number that never ends"),
        (track(b"\0\x90\x3c\x40\x83\xff\xff\x7f\x3c\0"), "longer than 60 minutes"),
        (track(b"\0\x90\x3c\x40" + b"\1\x3c\0\0\x3c\x40" * 50_001), "more than 50,000 notes"),
        # Refused at the first note too many: what is wrong after that is never read.
        (track(b"\0\x90\x3c\x40" + b"\1\x3c\x40" * 650_000 + b"\0\xf5\0"), "more than 50,000 notes"),
        (track(b"\0\xb0\x40\x7f" + b"\0\x90\x3c\x40\1\x80\x3c\0" * 200_000), "more than 50,000 notes"),  # one pedal
        (track(b"\0\x3c\x40"), "without a status"),
        (track(b"\0\x90\x3c\x40" + b"\0\x3c\x40" * 199 + b"\x81\xcd\x8a\0\x3c\0" + b"\0\x3c\0" * 199), "139 hours"),
        (b"MThd" + bytes(5_000_000), "larger than 5 MB"),
    ],
    ids=range(14),
)
def test_a_file_that_cannot_be_played_gets_one_sentence(data, message):
    with pytest.raises(InputError, match=message) as error:
        read_midi(data)
    assert str(error.value).count(". ") == 0 and str(error.value).endswith(".")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-6], "1 track damaged (it ends too early): played up to there."),
        (lambda data: data[:-4] + b"\0\xf5\0\0", "1 track damaged (it holds the undefined status byte 0xF5)"),
        (lambda data: data[:-4] + b"\xff" * 4, "1 track damaged (it holds a number that never ends)"),
        (lambda data: data[:9] + b"\2" + data[10:], "The file is of type 2, whose tracks share no timeline: played at"),
        (lambda data: data[:7] + b"\7" + data[8:], None),  # a header that claims another size
    ],
    ids=range(5),
)
def test_what_is_whole_of_a_damaged_file_is_played(damage, said):
    """As FluidSynth does."""
    song = read_midi(damage(midi(played(0, 1, 60), played(1, 2, 64))))
    assert (0, 1, 60) in spans(song) and (1, 64) in [(note.start, note.pitch) for note in song.notes]
    assert any(notice.startswith(said) for notice in song.notices) if said else song.notices == ()


def test_no_damage_is_anything_but_a_song_or_a_sentence():
    whole = midi(
        [(0, MetaMessage("set_tempo", tempo=600_000)), (0, MetaMessage("key_signature", key="C"))],
        control(0, 64, 127) + played(0, 1, 60) + played(0.5, 2, 64) + control(1, 7, 80) + control(1.5, 64, 0),
    )
    files = [whole, *(file.read_bytes() for file in sorted(SMALL.iterdir()))]
    draw = random.Random(5)
    readable = 0
    for _ in range(3000):
        data = bytearray(draw.choice(files))
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(4, len(data))] = draw.randrange(256)
        try:
            readable += bool(read_midi(bytes(data[: draw.choice([None, draw.randrange(len(data))])])).seconds >= 0)
        except InputError:
            continue
    assert 0 < readable < 3000


# --- how it sounds ----------------------------------------------------------------------------------------------------


def test_notes_are_heard_where_and_at_the_pitch_they_are_written(synth):
    melody = [(0.5, 60), (1.25, 67), (2.1, 55)]
    clip = render_midi(midi([note for start, pitch in melody for note in played(start, start + 0.3, pitch)]), synth,
                       "violin", release_seconds=0.1).clip  # fmt: skip
    loud = np.abs(clip.samples).max(axis=1) > 0.02
    for start, pitch in melody:
        before = loud[round((start - 0.2) * RATE) : round((start - 0.005) * RATE)]
        onset = np.flatnonzero(loud[round((start - 0.005) * RATE) :])[0] / RATE - 0.005
        assert not before.any() and abs(onset) < 0.005
        assert abs(cents_off(clip, pitch, start + 0.02, start + 0.3)) < 5
    assert clip.seconds == pytest.approx(2.1 + 0.3 + 0.1, abs=0.001)


def test_a_note_ends_with_its_key_and_dies_over_the_release(synth):
    clip = render_midi(midi(played(0, 1, 60) + played(3, 3.1, 60)), synth, "violin").clip
    held = level_db(clip, 0.5, 1)
    assert abs(level_db(clip, 0.9, 1.0) - held) < 0.5
    assert -20 < level_db(clip, 1.1, 1.2) - held < -6
    assert level_db(clip, 1.31, 2.9) < -100


def test_a_note_that_lacks_its_end_is_silent_where_its_key_is_up(synth):
    clip = render_midi(SMALL / "hang_min.mid", synth, "violin").clip
    assert level_db(clip, 0.1, 0.9) > -30 and level_db(clip, 1.31, 11.9) < -100 and level_db(clip, 12.1, 12.4) > -30
    assert level_db(render_midi(SMALL / "zero_len.mid", synth, "violin").clip, 0.5, 1.9) < -100


def test_the_pedal_lets_notes_sound_on(synth):
    events = control(0, 64, 127) + played(0, 0.2, 60) + control(2, 64, 0) + played(2.9, 3, 90)
    clip = render_midi(midi(events), synth, "violin").clip
    assert abs(level_db(clip, 1.5, 2) - level_db(clip, 0.05, 0.2)) < 0.5 and level_db(clip, 2.31, 2.8) < -100


def test_loudness_follows_velocity_volume_and_expression(synth):
    events = played(0, 0.5, 60, 127) + played(1, 1.5, 60, 64) + played(2, 2.5, 60, 127) + played(3, 5, 60, 127)
    events += control(1.9, 7, 50) + control(2.9, 7, 100) + control(4, 11, 64)
    clip = render_midi(midi(events), synth, "violin").clip
    full = level_db(clip, 0.1, 0.5)
    assert level_db(clip, 1.1, 1.5) - full == pytest.approx(-11.9, abs=0.2)
    assert level_db(clip, 2.1, 2.5) - full == pytest.approx(-12.0, abs=0.2)
    assert level_db(clip, 3.1, 3.9) - full == pytest.approx(0, abs=0.2)
    assert level_db(clip, 4.1, 4.9) - full == pytest.approx(-11.9, abs=0.2)
    assert true_peak_db(clip) == pytest.approx(-1, abs=0.02)


def test_any_number_of_notes_at_once_does_not_clip(synth):
    chord = [note for pitch in range(40, 52) for note in 3 * played(0, 1, pitch, 127)]
    assert true_peak_db(render_midi(midi(chord), synth, "violin").clip) == pytest.approx(-1, abs=0.02)


def test_the_sound_goes_from_one_timbre_to_the_next(synth):
    """The fake's violin has the second partial, its flute the third, 12 dB below the first."""
    events = [note for number in range(9) for note in played(number, number + 0.5, 60)]
    clip = render_midi(midi(events), synth, ["violin:1", "flute:2"], [0, 1]).clip
    first = 440 * 2 ** (-9 / 12)
    second, third = (
        [
            partial_db(clip, times * first, start, start + 0.5) - partial_db(clip, first, start, start + 0.5)
            for start in range(9)
        ]
        for times in (2, 3)
    )
    assert abs(second[0] + 12) < 0.5 and third[0] < -30
    assert abs(second[4] - third[4]) < 2.5
    assert third[8] > -13 and second[8] < -30
    assert second == sorted(second, reverse=True) and third == sorted(third)


def test_a_path_holds_still_before_its_first_and_after_its_last_point():
    a, b = sample(CARD, 2, 1, "violin")
    path = TimbrePath([a, b], [0.25, 0.75])
    assert path(0) == path(0.25) == a and path(0.75) == path(1) == b and path(0.5) not in (a, b)
    assert TimbrePath([a])(0.4) == a and TimbrePath([a, a, b])(0.3) == a


def test_latents_along_a_song_are_those_of_the_official_tool():
    """Their slerp takes vectors as long as they are; ours has the length in between. So: half a degree, 1 % of z."""
    io = np.load(DATA / "generate_util_io.npz")
    card = sine_card(instruments=())
    small = [Timbre.of(card, np.pad(z, (0, 256)).tolist()) for z in io["z_instruments"]]
    times = io["t_instruments"]
    path = TimbrePath(small, (times - times[0]) / (times[-1] - times[0]))
    for start, expected in zip(io["start_times"], io["z_notes"], strict=True):
        got = np.array(path((start - times[0]) / (times[-1] - times[0])).z)[:256]
        assert np.linalg.norm(got - expected) < 0.02 * np.linalg.norm(expected)


def test_near_notes_share_a_timbre_so_that_a_song_of_one_pitch_is_65_notes_to_the_network():
    rendered = []

    class Counting(SineGenerator):
        def __call__(self, z, pitch, instruments):
            rendered.append(len(z))
            return super().__call__(z, pitch, instruments)

    events = [note for number in range(300) for note in played(number / 20, number / 20 + 0.04, 60)]
    calls = []
    synth = Synth(CARD, Counting(), device="cpu", griffin_lim_steps=0)
    result = render_midi(midi(events), synth, ["violin", "flute"], progress=lambda *call: calls.append(call))
    assert sum(rendered) <= 65 and result.notes == 300
    assert calls == sorted(calls) and calls[-1] == (300, 300)


def test_pitches_outside_the_model_move_by_octaves_and_are_told_once(synth):
    events = played(0, 0.5, 96) + played(1, 1.5, 96) + played(2, 2.5, 10) + played(3, 3.5, 60)
    result = render_midi(midi(events), synth, "violin")
    (notice,) = result.notices
    assert "3 notes outside what 'sines' learned (24-84)" in notice and "96 to 84 (2 times), 10 to 34." in notice
    assert abs(cents_off(result.clip, 84, 0.05, 0.5)) < 5 and abs(cents_off(result.clip, 34, 2.05, 2.5)) < 5


def test_drums_are_left_out_unless_asked_for(synth):
    data = midi(played(0, 0.5, 60), played(1, 1.5, 38, channel=9))
    without, with_drums = render_midi(data, synth, "violin"), render_midi(data, synth, "violin", drums=True)
    assert without.notices == ("1 note on the drum channel left out.",) and without.clip.seconds < 1
    assert with_drums.notices == () and level_db(with_drums.clip, 1.1, 1.4) > -20
    with pytest.raises(InputError, match="are drums"):
        render_midi(midi(played(0, 1, 38, channel=9)), synth, "violin")


def test_a_long_note_goes_on_at_its_pitch_and_level(synth):
    result = render_midi(midi(played(0, 12, 61)), synth, "violin")
    (notice,) = result.notices
    assert notice.startswith("1 note longer than the 3 s that 'sines' holds a note: 1 held.")
    clip = result.clip
    levels = [level_db(clip, start, start + 0.1) for start in np.arange(0.1, 11.9, 0.1)]
    assert max(levels) - min(levels) < 0.3
    assert abs(cents_off(clip, 61, 4, 11.9)) < 1
    assert (
        np.abs(np.diff(part(clip, 1, 11), 2)).max() < 1.3 * np.abs(np.diff(part(clip, 1, 2), 2)).max()
    )  # no click where the loop closes


def test_the_same_song_is_the_same_sound_and_may_be_stopped(synth):
    data = midi(played(0, 0.5, 60) + played(1, 1.5, 64))
    first, second = (render_midi(data, synth, ["violin", "flute"]).clip.samples for _ in range(2))
    assert np.array_equal(first, second)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_midi(data, synth, "violin", progress=stop)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timbres": "violn"}, "Did you mean 'violin'"),
        ({"timbres": "violin:x"}, "whole number"),
        ({"timbres": []}, "1 to 1000 timbres, not 0"),
        ({"timbres": ["violin", "flute"], "at": [0]}, "2 timbres need as many points"),
        ({"timbres": ["violin", "flute"], "at": [0.5, 0.5]}, "must rise"),
        ({"timbres": ["violin", "flute"], "at": [0, 1.5]}, "fractions"),
        ({"timbres": ["violin", "flute"], "at": [0, float("nan")]}, "fractions"),
        ({"timbres": "violin", "release_seconds": -1}, "from 0 to 10 s"),
        ({"timbres": sample(sine_card("other"), 1, 0, "violin")}, "belongs to the model 'other'"),
    ],
)
def test_mistakes_are_refused_in_words(synth, options, message):
    with pytest.raises(InputError, match=message):
        render_midi(midi(played(0, 0.5, 60)), synth, **options)


def test_a_song_without_notes_is_refused(synth):
    with pytest.raises(InputError, match="no notes"):
        render_midi(midi([]), synth, "violin")


# --- timbres by name --------------------------------------------------------------------------------------------------


def test_a_timbre_may_be_named_in_many_ways(tmp_path, synth):
    violin = sample(CARD, 1, 7, "violin")[0]
    (tmp_path / "a.json").write_text(json.dumps(violin.to_json()))
    Patch(violin).save(tmp_path / "patch.json")
    write_pack(PackPlan((PackItem("a", violin),), (60,)), synth, tmp_path / "pack.zip")
    import zipfile

    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        name = next(name for name in pack.namelist() if name.endswith(".wav"))
        (tmp_path / "a.wav").write_bytes(pack.read(name))
    for text in ("violin:7", str(tmp_path / "a.json"), str(tmp_path / "patch.json"), str(tmp_path / "a.wav")):
        assert parse_timbre(text, CARD) == violin
    assert parse_timbre("flute", CARD) == sample(CARD, 1, 0, "flute")[0]
    plain = sine_card("plain", ())
    assert parse_timbre("7", plain) == sample(plain, 1, 7)[0]
    for text, error in {
        str(tmp_path / "b.json"): InputError,
        str(tmp_path / "pack.zip.wav"): AudioError,
        "violin:-1": InputError,
        "": InputError,
    }.items():
        with pytest.raises(error):
            parse_timbre(text, CARD)
    with pytest.raises(InputError, match="belongs to the model 'sines'"):
        parse_timbre(str(tmp_path / "a.json"), plain)
    with pytest.raises(InputError, match="whole number"):
        parse_timbre("violin", plain)


def test_random_timbres_are_finite_for_any_count_and_spare_the_gunshot():
    assert random_timbres(CARD, 5, 3)[:4] == random_timbres(CARD, 4, 3)
    assert len(set(random_timbres(CARD, 40, 3))) == 40
    assert {timbre.instruments[0][0] for timbre in random_timbres(CARD, 40)} == {"violin", "flute"}
    assert len(random_timbres(sine_card("plain", ()), 1)) == 1
    for count in (0, 1001, 1.5):
        with pytest.raises(InputError, match="1 to 1000"):
            random_timbres(CARD, count)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    import_magenta(DATA / "official_tiny_stage9.zip", folder, "tiny")
    return str(folder / "tiny")


def test_the_command_plays_a_song_with_an_imported_model(tmp_path, imported, capsys):
    (tmp_path / "song.mid").write_bytes(midi(played(0, 0.5, 60) + played(1, 5, 90)))
    common = ["midi", str(tmp_path / "song.mid"), "--model", imported]
    assert main([*common, "--timbres", "3,7", "--at", "0,1", "-o", str(tmp_path / "a.wav")]) == 0
    output = capsys.readouterr().out.splitlines()
    assert "90 to 78" in output[0] and "longer than the 3 s" in output[1] and output[2].endswith("2 notes, 5.3 s")
    clip = read_wav(tmp_path / "a.wav")
    assert clip.sample_rate == 44100 and level_db(clip, 1.1, 2) > -40
    for options in (["--timbres", "random:4"], ["--seconds-per-timbre", "2"], []):
        out = tmp_path / f"random{len(options)}{options[:1]}.wav"
        assert main([*common, *options, "--seed", "5", "-o", str(out)]) == 0
        assert np.isfinite(read_wav(out).samples).all()


def test_the_command_tunes_the_keys_by_scalas_files(tmp_path, imported, capsys):
    song, scale = tmp_path / "song.mid", tmp_path / "four.scl"
    song.write_bytes(midi(played(0, 0.5, 61)))
    scale.write_text(QUARTER)
    common = ["midi", str(song), "--model", imported, "--timbres", "3", "--bits", "32", "-o", str(tmp_path / "a.wav")]
    assert main([*common, "--tuning", str(scale)]) == 0
    assert "The keys are tuned to 'four'." in capsys.readouterr().out
    synth = Synth.load(imported, device="cpu")
    tuning = Tuning.from_scala(QUARTER)
    assert tuning.pitch(61) == pytest.approx(67.02, abs=0.01)
    expected = render_midi(song, synth, "3", tuning=tuning, sample_rate=44100).clip.samples
    assert np.abs(read_wav(tmp_path / "a.wav").samples - expected.mean(axis=1)).max() < 1e-5
    assert main([*common, "--tuning", "werkmeister"]) == 1 and "Did you mean" in capsys.readouterr().err


def test_a_model_of_whole_keys_is_tuned_and_bent_by_resampling(imported):
    synth = Synth.load(imported, device="cpu")
    plain = midi(played(0, 0.5, 62))
    tuned = midi(parameter(0, 2, 66) + parameter(0, 1, 80) + played(0, 0.5, 60))
    one, other = (render_midi(data, synth, "3") for data in (plain, tuned))
    assert one.notices == other.notices == ()
    slower = np.interp(np.arange(0.05, 0.4, 1 / 16000) * 2 ** (0.25 / 12) * 16000, np.arange(len(one.clip.samples)),
                       part(one.clip, 0, 9))  # fmt: skip
    assert np.corrcoef(slower, part(other.clip, 0.05, 0.4)[: len(slower)])[0, 1] > 0.95


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timbres", "3,violin"], "whole number"),
        (["--timbres", "random"], "random:4"),
        (["--timbres", "3,7", "--at", "0,x"], "list of fractions"),
        (["--seconds-per-timbre", "0"], "above 0"),
        (["--seconds-per-timbre", "2", "--timbres", "3"], "leave out --timbres"),
        (["-o", "{}/a.mp4"], "Choose from .wav, .flac"),
    ],
)
def test_the_command_refuses_in_one_sentence_and_writes_nothing(tmp_path, imported, capsys, options, message):
    song = tmp_path / "song.mid"
    song.write_bytes(midi(played(0, 0.5, 60)))
    out = ["-o", str(tmp_path / "a.wav")]
    options = [option.format(tmp_path) for option in options]
    assert main(["midi", str(song), "--model", imported, *out, *options]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert list(tmp_path.iterdir()) == [song]


def test_a_song_that_is_stopped_leaves_no_file(tmp_path, imported, monkeypatch):
    (tmp_path / "song.mid").write_bytes(midi(played(0, 0.5, 60)))
    monkeypatch.setattr("tqdm.tqdm.update", lambda bar, n=1: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["midi", str(tmp_path / "song.mid"), "--model", imported, "-o", str(tmp_path / "a.wav")]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["song.mid"]
