import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from campaigns.same_bytes import campaign
from patience import HANG_SECONDS, until
from sine_voice import SPEC, SineGenerator, sine_card, sine_synth

from gansynth_core import InputError, Synth, Timbre, glide, sample, threads
from gansynth_core.synth import GivenUp, choose_device


def peak_hz(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n=len(samples) * 4))
    return float(np.argmax(spectrum)) * rate / (len(samples) * 4)


def cents(hz: float, target: float) -> float:
    return 1200 * np.log2(hz / target)


def test_a4_is_440_hz_within_5_cents_and_between_the_keys_too():
    synth = sine_synth()
    clips = synth.render(sample(synth.card, 1, 0, "violin")[0], [69, 69.5])
    assert abs(cents(peak_hz(clips.audio[0], clips.sample_rate), 440.0)) < 5
    assert abs(cents(peak_hz(clips.audio[1], clips.sample_rate), 440.0 * 2 ** (0.5 / 12))) < 5


def harmonic_level(samples: np.ndarray, rate: int, hz: float, harmonic: int) -> float:
    """Level of a harmonic relative to the fundamental."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    place = hz * len(samples) / rate

    def near(place):
        return spectrum[round(place) - 3 : round(place) + 4].max()

    return near(place * harmonic) / near(place)


def test_every_instrument_is_heard_as_itself_and_mixtures_as_both():
    synth = sine_synth()
    for sound, expected in {
        "violin": (0.25, 0, 0),
        "flute": (0, 0.25, 0),
        "gunshot": (0, 0, 0.25),
        (("violin", 0.5), ("gunshot", 0.5)): (0.125, 0, 0.125),
    }.items():
        timbre = sample(synth.card, 1, 0, sound if isinstance(sound, str) else dict(sound))[0]
        samples = synth.render(timbre, [69]).audio[0]
        heard = [harmonic_level(samples, 24000, 440.0, harmonic) for harmonic in (2, 3, 4)]
        assert heard == pytest.approx(expected, abs=0.02), sound


def test_a_note_is_the_same_alone_in_a_batch_and_out_of_the_cache():
    synth = sine_synth()
    timbre = sample(synth.card, 1, 0, "violin")[0]
    together = synth.render(timbre, range(30, 60)).audio
    assert np.array_equal(together, sine_synth().render(timbre, range(30, 60)).audio)
    assert np.array_equal(together[17], sine_synth().render(timbre, [47]).audio[0])


def test_a_note_of_the_studio_voice_has_its_bytes_in_any_batch_process_and_number_of_threads():
    assert campaign(cases=12, notes=4, largest=6) >= 12


def test_the_cache_answers_and_stays_small():
    calls = []

    class Counting(SineGenerator):
        def __call__(self, z, pitch, instruments):
            calls.append(len(z))
            return super().__call__(z, pitch, instruments)

    synth = Synth(sine_card(), Counting(), device="cpu", cached_notes=4)
    timbre = sample(synth.card, 1, 0, "violin")[0]
    synth.render(timbre, [60, 61, 60])
    synth.render(timbre, [61])
    assert calls == [1, 1]
    synth.render(timbre, range(40, 50))
    assert len(synth._cache) == 4


def test_threads_get_their_own_notes():
    synth = sine_synth()
    timbre = sample(synth.card, 1, 0, "violin")[0]
    heard = {}

    def play(pitch: int) -> None:
        heard[pitch] = peak_hz(synth.render(timbre, [pitch]).audio[0], 24000)

    threads = [threading.Thread(target=play, args=(pitch,)) for pitch in (48, 55, 60, 67)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for pitch, hz in heard.items():
        assert abs(cents(hz, 440 * 2 ** ((pitch - 69) / 12))) < 5


def test_background_work_makes_the_same_notes_and_leaves_the_cache_alone():
    synth = sine_synth()
    timbre = sample(synth.card, 1, 0, "violin")[0]
    aside = synth.render(timbre, range(40, 45), background=True).audio
    assert not synth._cache
    assert np.array_equal(aside, synth.render(timbre, range(40, 45)).audio) and len(synth._cache) == 5


def test_a_player_goes_before_the_work_in_the_background_which_still_goes_on():
    order = []
    started, go_on = threading.Event(), threading.Event()

    class Watched(SineGenerator):
        def __call__(self, z, pitch, instruments):
            order.extend(pitch.int().tolist())
            started.set()
            go_on.wait(HANG_SECONDS)
            return super().__call__(z, pitch, instruments)

    synth = Synth(sine_card(), Watched(), device="cpu")
    timbre = sample(synth.card, 1, 0, "violin")[0]
    export = threading.Thread(target=synth.render, args=(timbre, range(30, 38)), kwargs={"background": True})
    second = threading.Thread(target=synth.render, args=(timbre, range(38, 40)), kwargs={"background": True})
    export.start()
    assert started.wait(HANG_SECONDS)
    second.start()
    player = threading.Thread(target=synth.render, args=(timbre, [60]))
    player.start()
    until(lambda: synth._turns._players == 1)
    go_on.set()
    for thread in (export, second, player):
        thread.join(HANG_SECONDS)
    assert order.index(60) == threads.count() and sorted(order) == [*range(30, 40), 60]


def test_notes_that_nobody_waits_for_are_not_made_and_those_after_them_are():
    made = []

    class Counting(SineGenerator):
        def __call__(self, z, pitch, instruments):
            made.extend(pitch.tolist())
            return super().__call__(z, pitch, instruments)

    synth = Synth(sine_card(), Counting(), device="cpu")
    timbre, given_up = sample(synth.card)[0], threading.Event()
    given_up.set()
    for background in (False, True):
        with pytest.raises(GivenUp):
            synth.render(timbre, [60], background=background, given_up=given_up)
    synth.render(timbre, [61])
    assert made == [61]


def test_an_export_gets_its_turn_even_if_players_never_stop(monkeypatch):
    monkeypatch.setattr("gansynth_core.synth.PATIENCE_SECONDS", 0.05)
    synth = sine_synth(cached_notes=0)
    timbre = sample(synth.card, 1, 0, "violin")[0]
    done = threading.Event()

    def play() -> None:
        while not done.is_set():
            synth.render(timbre, [60])

    players = [threading.Thread(target=play) for _ in range(2)]
    for player in players:
        player.start()
    export = threading.Thread(target=synth.render, args=(timbre, range(30, 34)), kwargs={"background": True})
    export.start()
    export.join(HANG_SECONDS)
    went_on = not export.is_alive()
    done.set()
    for thread in (*players, export):
        thread.join(HANG_SECONDS)
    assert went_on


@pytest.mark.parametrize("shift", [0.4, -0.4])
def test_notes_come_at_one_level_and_silence_stays_silent(shift):
    class Shifted(SineGenerator):
        def __call__(self, z, pitch, instruments):
            specgram = super().__call__(z, pitch, instruments)
            specgram[:, 0] += torch.where(pitch[:, None, None] > 60, shift, -9.0)
            return specgram.clamp(-1, 1)

    synth = Synth(sine_card(), Shifted(), device="cpu")
    clips = synth.render(Timbre.of(synth.card, [0.0] * 512, "violin"), [69, 50])
    assert np.abs(clips.audio[0]).max() == pytest.approx(0.9, abs=0.02)
    assert np.abs(clips.audio[1]).max() < 1e-3


@pytest.mark.parametrize(("pitch", "way"), [(96, "lower"), (12, "higher"), (float("nan"), "key")])
def test_a_pitch_outside_the_range_is_refused_in_words(pitch, way):
    synth = sine_synth()
    with pytest.raises(InputError, match=rf"24-84.*{way}"):
        synth.render(sample(synth.card, 1, 0, "violin")[0], [pitch])


def test_a_timbre_of_another_model_is_refused():
    synth = sine_synth()
    with pytest.raises(InputError, match="other"):
        synth.render(sample(sine_card("other"), 1, 0, "violin")[0], [60])


def test_no_pitches_make_no_notes():
    synth = sine_synth()
    assert synth.render(sample(synth.card, 1, 0, "violin")[0], []).audio.shape == (0, 96000)


def test_a_note_starts_and_ends_at_rest():
    class Endless(SineGenerator):
        def __call__(self, z, pitch, instruments):
            seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
            return SPEC.encode(0.5 * torch.cos(2 * torch.pi * 65.4 * seconds)[None])

    clips = Synth(sine_card(), Endless(), device="cpu").render(Timbre.of(sine_card(), [0.0] * 512, "violin"), [36])
    audio = clips.audio[0]
    assert audio[0] == 0 and abs(audio[-1]) < 1e-3
    # No step is larger than the tone's own, but for the 2 ms in which it swings in.
    own = 0.9 * 2 * np.pi * 65.4 / clips.sample_rate
    assert np.abs(np.diff(audio[48:])).max() < 1.2 * own and np.abs(np.diff(audio[:48])).max() < 0.1


def test_pitches_may_be_names_and_one_may_come_alone():
    synth = sine_synth()
    timbre = sample(synth.card, 1, 0, "violin")[0]
    plain = synth.render(timbre, [60])
    for pitches in (60, "C4", ["C4"], np.int64(60), np.array([60]), torch.tensor(60.0), (60.0,)):
        clips = synth.render(timbre, pitches)
        assert clips.pitches == (60.0,) and np.array_equal(clips.audio, plain.audio)
    assert synth.render([timbre], "C4").pitches == (60.0,) and len(synth.embed(timbre, "C4")) == 1
    assert glide(synth, [timbre], "C4").pitches == (60.0,)


@pytest.mark.parametrize("pitches", [None, "H4", ["x"], [None], {}.keys, [[60]]])
def test_what_is_no_pitch_is_refused_in_words(pitches):
    synth = sine_synth()
    with pytest.raises(InputError, match="is not a pitch"):
        synth.render(sample(synth.card)[0], pitches)


@pytest.mark.parametrize("timbre", [None, "violin", [1], 5])
def test_what_is_no_timbre_is_refused_in_words(timbre):
    with pytest.raises(InputError, match=r"Timbre|timbres"):
        sine_synth().render(timbre, [60])


def test_one_pitch_serves_several_timbres_and_a_grid_plays_each_at_every_one():
    synth = sine_synth()
    low, high = (Timbre.of(synth.card, [level, *[0.0] * 511]) for level in (-1.0, 1.0))
    assert synth.render([low, high], "C4").pitches == (60.0, 60.0)
    notes = synth.render([low, high], [60, "E4", 67], grid=True)
    assert notes.pitches == (60.0, 64.0, 67.0) * 2
    assert np.array_equal(notes.audio[4], synth.render(high, 64).audio[0])
    assert len(synth.render([], [60], grid=True)) == 0
    with pytest.raises(InputError, match=r"2 timbres do not match 3 pitches\..* grid=True"):
        synth.render([low, high], [60, 64, 67])


def test_a_raw_note_is_the_spectrum_inverted_and_no_more():
    synth = sine_synth()
    timbre = Timbre.of(synth.card, [3.0, *[0.0] * 511], "violin")
    raw = synth.render(timbre, [60, 67], raw=True).audio
    stft = synth.stft(timbre, [60, 67], output="torch")
    assert np.array_equal(raw, SPEC.invert(stft, synth.griffin_lim_steps).numpy())
    assert abs(np.abs(raw[0]).max() - 0.9) > 0.05  # its own level
    assert np.abs(raw[0, -200:]).max() > 0.3  # no fade
    assert np.abs(synth.render(timbre, 60).audio).max() == pytest.approx(0.9, abs=1e-6)  # and it is not what is cached


def test_specgrams_and_spectra_come_as_arrays_or_tensors():
    synth = sine_synth()
    timbre = sample(synth.card, 1, 0, "violin")[0]
    for ask, shape, kind in (
        (synth.specgram, (2, 2, SPEC.frames, SPEC.bins), torch.float32),
        (synth.stft, (2, SPEC.frames, SPEC.bins), torch.complex64),
    ):
        tensor = ask(timbre, [60, 67], output="torch")
        assert tensor.shape == shape and tensor.dtype == kind
        assert not tensor.is_inference()  # it may be part of what is learned from
        assert np.array_equal(ask(timbre, [60, 67]), tensor.numpy())
        assert ask(timbre, []).shape == (0, *shape[1:])
    loudest = np.abs(synth.stft(timbre, 69))[0].mean(axis=0).argmax()
    assert (loudest + 1) * SPEC.bin_hz == pytest.approx(440, abs=SPEC.bin_hz / 2)
    with pytest.raises(InputError, match="numpy or torch, not 'jax'"):
        synth.stft(timbre, 60, output="jax")


def test_a_timbre_made_by_hand_may_write_its_instrument_as_it_likes():
    synth = sine_synth()
    timbre = sample(synth.card, 1, 0, "violin")[0]
    by_hand = Timbre(timbre.model, timbre.z, (("Violin", 1.0),))
    assert np.array_equal(synth.render(by_hand, 60).audio, synth.render(timbre, 60).audio)


@pytest.mark.parametrize("steps", [1.5, -1, "2", True, float("nan")])
def test_impossible_griffin_lim_steps_are_refused(steps):
    with pytest.raises(InputError, match="whole number of steps"):
        sine_synth(griffin_lim_steps=steps)


def test_a_device_may_be_torchs_own():
    synth = Synth(sine_card(), SineGenerator(), device=torch.device("cpu"))
    assert synth.device == "cpu" and len(synth.render(sample(synth.card)[0], 60)) == 1
    for device in ("tpu", None, torch.device("meta"), "cpu:x", "cpu:", "cuda:-1"):
        with pytest.raises(InputError, match="unknown"):
            Synth(sine_card(), SineGenerator(), device=device)


def test_a_device_beyond_those_there_are_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == "cuda:1" and choose_device(torch.device("cuda", 0)) == "cuda:0"
    for device in ("cuda:2", "cpu:1"):
        with pytest.raises(InputError, match=f"no device '{device}'"):
            choose_device(device)


def test_the_gpu_of_a_mac_may_be_asked_for(monkeypatch):
    with pytest.raises(InputError, match="no MPS device"):
        choose_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device(torch.device("mps")) == choose_device("mps:0")[:3] == "mps"
    with pytest.raises(InputError, match="a smaller number"):
        choose_device("mps:1")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda synth: pickle.loads(pickle.dumps(synth))])
def test_a_synth_of_a_network_in_memory_can_be_copied(again):
    synth = sine_synth(griffin_lim_steps=1, cached_notes=3)
    other = again(synth)
    assert other is not synth and other.griffin_lim_steps == 1 and other.device == "cpu"
    timbre = sample(synth.card)[0]
    assert np.array_equal(other.render(timbre, [60, 62]).audio, synth.render(timbre, [60, 62]).audio)
