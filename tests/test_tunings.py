"""Which pitch each key has, against what is known of temperaments and what other synths make of Scala's files."""

import json
import math

import pytest

from gansynth_core import TUNINGS, InputError, Tuning, parse_tuning, pitch_hz

# A scale with remarks and all ways to write a note.
SCL = """! slendro.scl
!
Five notes, as one writes them
 5
!
 240.
 3/2 a fifth
 720.5 cents! here
 960.
 2
"""
KBM = """! five of seven keys
7
0
127
60
69
432.0
5
0
x
1
2
3
4
"""


def cents(tuning: Tuning, low: int, high: int) -> float:
    return 100 * (tuning.pitch(high) - tuning.pitch(low))


def test_every_named_tuning_is_one_of_equal_octaves_unless_it_says_otherwise():
    for name in TUNINGS:
        tuning = Tuning.named(name)
        steps = len(_octave(tuning)) if name not in ("bohlen_pierce", *_CARLOS) else 0
        assert tuning.name == name and all(tuning.has(key) for key in range(128))
        if steps:
            assert cents(tuning, 60, 60 + steps) == pytest.approx(1200), name
    assert [name for name in TUNINGS if Tuning.named(name).is_equal] == ["equal"]


_CARLOS = ("carlos_alpha", "carlos_beta", "carlos_gamma")


def _octave(tuning: Tuning) -> range:
    return range(next(step for step in range(1, 128 - 60) if cents(tuning, 60, 60 + step) >= 1199.9))


def test_temperaments_have_the_intervals_they_are_known_for():
    meantone, pythagorean, werckmeister = (Tuning.named(n) for n in ("meantone", "pythagorean", "Werckmeister"))
    assert cents(meantone, 60, 64) == pytest.approx(1200 * math.log2(5 / 4), abs=0.01)  # a pure third
    assert cents(meantone, 68, 75) == pytest.approx(737.6, abs=0.1)  # and the wolf it costs
    assert cents(pythagorean, 60, 67) == pytest.approx(1200 * math.log2(3 / 2), abs=0.01)
    assert cents(Tuning.named("just"), 60, 64) == pytest.approx(386.314, abs=0.001)
    # Four fifths of Werckmeister III are a quarter of a Pythagorean comma narrow, the others pure.
    circle = [cents(werckmeister, 60 + 7 * n % 12, 60 + 7 * n % 12 + 7) for n in range(12)]
    assert sorted(round(fifth, 1) for fifth in circle) == [696.1] * 4 + [702.0] * 8
    assert cents(Tuning.named("bohlen-pierce"), 60, 73) == pytest.approx(1200 * math.log2(3))
    assert cents(Tuning.named("24-edo"), 60, 61) == pytest.approx(50)


def test_a4_is_where_the_musician_wants_it():
    assert pitch_hz(Tuning.named("vallotti").pitch(69)) == pytest.approx(440)
    assert pitch_hz(Tuning.named("vallotti@415").pitch(69)) == pytest.approx(415, rel=1e-6)
    assert pitch_hz(Tuning.named("19-edo").pitch(60)) == pytest.approx(261.6256, rel=1e-6)
    assert pitch_hz(Tuning.named("19edo@432").pitch(69)) == pytest.approx(432, rel=1e-6)


def test_scala_files_sound_as_in_other_synths():
    plain = Tuning.from_scala(SCL)
    hz = [round(pitch_hz(plain.pitch(key)), 3) for key in (40, 48, 60, 61, 62, 69, 80)]
    # Frequencies by the Tuning Library of Surge, Vital and others.
    assert hz == [16.352, 49.583, 261.626, 300.529, 392.438, 911.033, 4186.009]
    mapped = Tuning.from_scala(SCL, KBM)
    assert [key for key in range(58, 73) if not mapped.has(key)] == [59, 61, 66, 68]
    hz = [round(pitch_hz(mapped.pitch(key)), 3) for key in (57, 60, 62, 64, 67, 69)]
    assert hz == [142.548, 188.039, 216.0, 285.096, 376.078, 432.0]
    assert plain.name == "Five notes, as one writes them"


def test_files_are_named_on_a_command_line(tmp_path):
    scl, kbm = tmp_path / "five.scl", tmp_path / "white.kbm"
    scl.write_bytes(SCL.replace("a fifth", "une quinte, réglée").encode("latin-1"))
    kbm.write_text(KBM)
    assert parse_tuning(f"{kbm},{scl}").pitches == Tuning.from_scala(SCL, KBM).pitches
    assert parse_tuning(f"{scl}").name == "five"
    assert parse_tuning(f"{kbm}").pitch(62) - parse_tuning(f"{kbm}").pitch(60) == pytest.approx(1)  # degree 1 of 12
    with pytest.raises(InputError, match=r"SCALE\.scl,KEYBOARD\.kbm"):
        parse_tuning(f"{scl},{scl}")
    with pytest.raises(InputError, match="Cannot read"):
        parse_tuning(str(tmp_path / "none.scl"))


def test_a_tuning_is_kept_in_a_document():
    tuning = Tuning.from_scala(SCL, KBM)
    assert Tuning.from_json(json.loads(json.dumps(tuning.to_json()))) == tuning
    assert Tuning.from_json("meantone") == Tuning.named("meantone")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tuning.named("werkmeister"), "Did you mean 'werckmeister'"),
        (lambda: Tuning.named("200-edo"), "1 to 128 equal steps"),
        (lambda: Tuning.named("just@x"), "not a frequency"),
        (lambda: Tuning.named("just@0"), "not a frequency"),
        (lambda: Tuning.from_scala("one line"), "lacks a description"),
        (lambda: Tuning.from_scala("x\nmany\n"), "number of notes"),
        (lambda: Tuning.from_scala("x\n3\n100.\n200.\n"), "2 of the 3 notes"),
        (lambda: Tuning.from_scala("x\n1\n3/0\n"), "'3/0' is not a note"),
        (lambda: Tuning.from_scala("x\n1\n-3/2\n"), "is not a note"),
        (lambda: Tuning.from_scala("x\n1\n-100.\n"), "does not rise"),
        (lambda: Tuning.from_scala(SCL, "7\n0\n"), "fewer than seven"),
        (lambda: Tuning.from_scala(SCL, KBM.replace("69", "61")), "gives that key no note"),
        (lambda: Tuning.from_scala(SCL, KBM.replace("432.0", "A")), "not a frequency"),
        (lambda: Tuning.from_scala(SCL, KBM.replace("x", "y")), "degree"),
        (lambda: Tuning.from_scala(SCL, KBM).pitch(61), "Key 61 has no note"),
        (lambda: Tuning.from_json({"format": 1, "name": "x", "pitches": [60.0]}), "each of the 128 keys"),
        (lambda: Tuning.from_json({"format": 1, "name": "x", "pitches": ["a"] * 128}), "MIDI numbers"),
        (lambda: Tuning.from_json({"format": 2, "name": "x", "pitches": [60.0] * 128}), "newer version"),
        (lambda: Tuning.from_json(7), "a name, or an object"),
    ],
)
def test_what_is_no_tuning_is_refused_in_words(make, message):
    with pytest.raises(InputError, match=message):
        make()
