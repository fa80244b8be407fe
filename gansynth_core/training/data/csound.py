"""Our own Csound orchestra: physical models (STK and waveguides), modal and formant synthesis, virtual analog.

Csound (LGPL-2.1) and STK (a permissive licence of its own) play it; the instruments and their numbers are ours. Models
that do not hold a pitch are left out: of STK BandedWG, ModalBar, PercFlut, Resonate and Whistle, of the opcodes wgflute
and wgbrass.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from gansynth_core.errors import AudioError, ToolError
from gansynth_core.training.data.engine import Key, Notes, Program, lengths

INSTALL = "Install it with: sudo apt-get install csound csound-plugins stk"
RAW_WAVES = "/usr/share/stk/rawwaves"  # of STK: Debian's package puts them there
GAP_SECONDS = 1.0  # between two notes of a score

Random = np.random.Generator

# p4: key. p5: velocity, 0 to 1. p6: brightness, -1 to 1, and p7: length, -1 to 1, as far as an instrument has them.
HEADER = """sr={rate}
ksmps=32
nchnls=1
0dbfs=1
seed 1902
gisin ftgen 0,0,16384,10,1
gicos ftgen 0,0,16384,11,1
gisig ftgen 0,0,1024,19,.5,.5,270,.5
instr 1
ifr=cpsmidinn(p4)
ivel=p5
ibr=p6
ilen=2^p7
{body}
a1=a1*linsegr(1,p3,1,.7,0)
out a1*.3
endin
"""


class Csound:
    """See above."""

    name = "csound"
    notes_a_second = 8.0
    variation_names = ("brightness", "length")
    variation_ranges = ((-0.8, 0.8), (-0.8, 0.8))

    def __init__(self) -> None:
        command = shutil.which("csound")
        if command is None:
            raise ToolError(f"The orchestra needs Csound, which is missing. {INSTALL}")
        self._command = command

    def programs(self, count: int, seed: int) -> list[Program]:
        """Kinds of instrument in turns; number n depends on nothing but n and the seed."""
        found = []
        for number in range(count):
            name, (kind, draw) = list(INSTRUMENTS.items())[number % len(INSTRUMENTS)]
            body = draw(np.random.default_rng((seed, number)))
            title = f"{name}.{number // len(INSTRUMENTS) + 1}"
            found.append(Program("csound", title, kind, "Apache-2.0", {"body": body}))
        return found

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        held, total = lengths(sample_rate)
        seconds = total / sample_rate
        step = seconds + GAP_SECONDS
        score = [
            f"i1 {number * step:g} {held / sample_rate:g} {key.pitch} {key.velocity / 127:.4f} "
            + " ".join(f"{value:g}" for value in (key.variation or (0.0, 0.0)))
            for number, key in enumerate(keys)
        ]
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder) / name for name in ("notes.orc", "notes.sco", "notes.wav")}
            files["notes.orc"].write_text(
                HEADER.format(rate=sample_rate, body=program.settings["body"]), encoding="utf-8"
            )
            files["notes.sco"].write_text("\n".join([*score, f"e {len(keys) * step:g}"]) + "\n", encoding="utf-8")
            command = [self._command, "-d", "-m0", "-f", "-W", "-o", files["notes.wav"], files["notes.orc"]]
            done = subprocess.run(
                [*map(str, command), str(files["notes.sco"])],
                env=os.environ | {"RAWWAVE_PATH": os.environ.get("RAWWAVE_PATH", RAW_WAVES)},
                capture_output=True,
                text=True,
                errors="replace",
            )
            if done.returncode or not files["notes.wav"].is_file():
                raise AudioError(f"Csound stopped: {_complaint(done.stderr)}")
            wave, _ = soundfile.read(files["notes.wav"], dtype="float32")
        notes = np.zeros((len(keys), total), np.float32)
        for number, note in enumerate(notes):
            start = round(number * step * sample_rate)
            played = wave[start : start + total]
            note[: len(played)] = played
        return notes


def _complaint(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "rror" in line]
    return lines[0][:120] if lines else "it gave no reason"


# --- instruments --------------------------------------------------------------------------------------------------


def number(random: Random, low: float, high: float, digits: int = 3) -> str:
    """A random number as Csound reads it."""
    return f"{random.uniform(low, high):.{digits}f}"


def stk(opcode: str, controls: Sequence[tuple[int, int, int]], loud: bool = True) -> Callable[[Random], str]:
    """An STK model. controls: number, and from where to where its value may be (0 to 127). loud: whether breath or bow
    pressure (control 128) answers to velocity."""

    def draw(random: Random) -> str:
        given = "".join(f",{control},{random.integers(low, high + 1)}" for control, low, high in controls)
        return f"a1 {opcode} ifr,.25+.75*ivel{given}{',128,40+87*ivel' if loud else ''}"

    return draw


def bow(random: Random) -> str:
    return (
        f"a1 wgbow .6,ifr,{number(random, 2, 4.5)}-.8*ibr,{number(random, 0.05, 0.2)},{number(random, 4, 6)},"
        f"{number(random, 0, 0.008, 4)},gisin\na1=a1*(.3+.7*ivel)*linsegr(0,{number(random, 0.03, 0.4)},1,3,1,.3,0)"
    )


def clarinet_tube(random: Random) -> str:
    return (
        f"a1 wgclar .6,ifr,{number(random, -0.4, -0.2)},{number(random, 0.04, 0.15)},.1,"
        f"{number(random, 0.02, 0.12)},{number(random, 4, 6)},{number(random, 0, 0.03)},gisin\na1=a1*(.3+.7*ivel)"
    )


def plucked_string(random: Random) -> str:
    return (
        f"a1 wgpluck2 {number(random, 0.08, 0.5)},.7,ifr,{number(random, 0.1, 0.9)},{number(random, 0.15, 0.7)}\n"
        "a1 tone a1,(1500+9000*ivel)*2^ibr\na1=a1*(.3+.7*ivel)"
    )


def resonating_string(random: Random) -> str:
    return (
        f"ax oscil .02,{number(random, 0.99, 1.01, 4)}*ifr,gisin\n"
        f"a1 repluck {number(random, 0.08, 0.5)},.7,ifr,{number(random, 0.1, 0.9)},{number(random, 0.3, 0.7)},ax\n"
        "a1 tone a1,(2000+9000*ivel)*2^ibr\na1=a1*(.3+.7*ivel)"
    )


def prepared_piano(random: Random) -> str:
    strings, detune = random.integers(1, 4), number(random, 2, 14, 1)
    return (
        f"aa,ab prepiano ifr,{strings},{detune},{number(random, 0.5, 3)},{number(random, 3, 20)}*ilen,"
        f"{number(random, 0.0005, 0.006, 5)},2,2,1,5000,-0.01,{number(random, 0.1, 0.45)},{number(random, 20, 90, 1)}"
        "*(.3+.7*ivel),0,0.1\na1=.3*(aa+ab)"
    )


def simple_fm(random: Random) -> str:
    ratio = random.choice(["1", "2", "3", "1.4142", "3.5", "5", "7", "0.5"])
    return (
        f"k1 linsegr {number(random, 2, 8)}*ivel*2^ibr,{number(random, 0.05, 1.5)},{number(random, 0.3, 3)},1,"
        f"{number(random, 0.1, 2)},.3,0\na1 foscil .6,ifr,1,{ratio},k1,gisin\n"
        f"a1=a1*(.3+.7*ivel)*expsegr(.01,{number(random, 0.002, 0.2)},1,{number(random, 0.4, 3)}*ilen,"
        f"{number(random, 0.03, 0.9)},.4,.001)"
    )


def analog(
    attack: tuple[float, float], detune: Sequence[str], resonance: tuple[float, float]
) -> Callable[[Random], str]:
    """Two or three band-limited oscillators a little apart, through a ladder filter that opens with velocity."""

    def draw(random: Random) -> str:
        waves = random.choice(["0", "10", "12", "2"], 3)
        seconds = random.uniform(*attack)
        return (
            f"a2 vco2 .4,ifr,{waves[0]},{number(random, 0.2, 0.8)}\n"
            f"a3 vco2 .4,ifr*{random.choice(detune)},{waves[1]},{number(random, 0.2, 0.8)}\n"
            f"a4 vco2 {random.choice(['0', '.3'])},ifr*{random.choice(detune)},{waves[2]},.5\n"
            f"kf linsegr ifr*{number(random, 1, 8)}+200,{max(0.01, seconds):.3f},"
            f"ifr*{number(random, 2, 10)}+{number(random, 300, 5000, 0)}*ivel,{number(random, 0.2, 1.5)}*ilen,"
            f"ifr*{number(random, 1, 5)}+{number(random, 100, 2000, 0)},.3,100\n"
            f"kf limit kf*2^ibr,60,16000\na1 moogladder a2+a3+a4,kf,{number(random, *resonance)}\n"
            f"a1=a1*(.3+.7*ivel)*linsegr(0,{seconds:.3f},1,{number(random, 0.3, 2)}*ilen,{number(random, 0.5, 1)},.5,0)"
        )

    return draw


def modal(
    ratios: Sequence[float], sharpness: tuple[float, float], hardness: tuple[float, float]
) -> Callable[[Random], str]:
    """A struck body: resonances at `ratios` of the key, rung by a short soft or hard stroke."""

    def draw(random: Random) -> str:
        lines = [
            "astr mpulse 40*(.2+.8*ivel),0",
            f"astr butterlp astr,({number(random, *hardness, 0)})*(.4+.6*ivel)*2^ibr",
            "a1=0",
        ]
        for place, ratio in enumerate(ratios):
            own = ratio if ratio == 1 else ratio * random.uniform(0.995, 1.005)
            loud = random.uniform(0.2, 1.0) / (1 + 0.5 * place) if place else 1.0
            lines += [
                f"if ifr*{own:.4f}>sr*.22 goto skip{place}",
                f"a9 mode astr,ifr*{own:.4f},{number(random, *sharpness, 0)}*ilen",
                f"a1=a1+a9*{loud:.3f}",
                f"skip{place}:",
            ]
        return "\n".join([*lines, "a1 dcblock a1"])

    return draw


def vowel(formants: Sequence[int]) -> Callable[[Random], str]:
    """Grains at the key's rate that ring at a vowel's formants (Rodet's FOF)."""

    def draw(random: Random) -> str:
        size = random.uniform(0.9, 1.15)  # of the throat
        lines = [f"kp = ifr*(1+{number(random, 0, 0.006, 4)}*oscil(1,{number(random, 4.5, 6)}))", "a1=0"]
        for place, formant in enumerate(formants):
            amount = "1" if place == 0 else f"{random.uniform(0.15, 0.6) / place:.3f}*(.4+.6*ivel)*2^ibr"
            lines += [
                f"a9 fof .5,kp,{formant * size:.0f},0,{number(random, 40, 110, 0)},.003,.02,.007,100,gisin,gisig,6",
                f"a1=a1+a9*{amount}",
            ]
        return "\n".join([*lines, f"a1=a1*(.3+.7*ivel)*linsegr(0,{number(random, 0.03, 0.4)},1,2,.9,.3,0)"])

    return draw


def pulse_train(random: Random) -> str:
    return (
        f"km linsegr {number(random, 0.2, 0.9)},{number(random, 0.05, 2)},{number(random, 0.2, 0.95)},1,"
        f"{number(random, 0.2, 0.9)},.3,.1\nkm limit km*(.6+.4*ivel)*2^(.4*ibr),0,.97\n"
        f"a1 gbuzz .6,ifr,int(sr*.42/ifr),1,km,gicos\na1=a1*(.3+.7*ivel)*linsegr(0,{number(random, 0.004, 0.4)},1,"
        f"{number(random, 0.2, 2.5)}*ilen,{number(random, 0.1, 1)},.4,0)"
    )


DETUNED = ("1.003", "1.006", "0.996", "1.009", "0.992", "0.5", "2")
DYNAMIC = [(2, 20, 110), (4, 0, 127)]

#: Name -> what sort of instrument it is, and how to draw its body.
INSTRUMENTS: dict[str, tuple[str, Callable[[Random], str]]] = {
    "bowed_string": ("bowed", stk("STKBowed", [(2, 30, 110), (4, 10, 110), (11, 20, 70), (1, 0, 40)])),
    "bowed_model": ("bowed", bow),
    "blown_brass": ("brass", stk("STKBrass", [(2, 50, 80), (4, 20, 100), (11, 20, 60), (1, 0, 20)])),
    "clarinet_model": ("blown", stk("STKClarinet", [(2, 30, 100), (4, 0, 50), (11, 20, 60), (1, 0, 30)])),
    "clarinet_tube": ("blown", clarinet_tube),
    "saxophone_model": ("blown", stk("STKSaxofony", [(29, 20, 100), (2, 30, 100), (26, 20, 100), (4, 0, 40)])),
    "flute_model": ("blown", stk("STKFlute", [(2, 20, 90), (4, 0, 40), (11, 20, 60), (1, 0, 40)])),
    "bottle_model": ("blown", stk("STKBlowBotl", [(4, 0, 60), (11, 20, 60), (1, 0, 40)])),
    "blow_hole": ("blown", stk("STKBlowHole", [(2, 30, 90), (4, 0, 40), (11, 0, 100), (1, 0, 127)])),
    "mandolin_model": ("pluck", stk("STKMandolin", [(2, 10, 120), (4, 20, 110), (11, 80, 127)], False)),
    "plucked_model": ("pluck", stk("STKPlucked", [], False)),
    "sitar_model": ("pluck", stk("STKSitar", [], False)),
    "stiff_string": ("pluck", stk("STKStifKarp", [(4, 10, 110), (11, 90, 127), (1, 20, 127)], False)),
    "plucked_string": ("pluck", plucked_string),
    "resonating_string": ("pluck", resonating_string),
    "prepared_piano": ("keys", prepared_piano),
    "rhodes_model": ("keys", stk("STKRhodey", [(2, 20, 110), (4, 20, 110), (11, 20, 60), (1, 0, 60)])),
    "wurlitzer_model": ("keys", stk("STKWurley", [(2, 20, 110), (4, 20, 110), (11, 20, 60), (1, 0, 60)])),
    "bee_three": ("organ", stk("STKBeeThree", [(2, 20, 110), (4, 20, 110), (11, 20, 80), (1, 0, 60)])),
    "heavy_metal": ("lead", stk("STKHevyMetl", [(2, 20, 110), (4, 20, 110), (11, 20, 60), (1, 0, 40)])),
    "tube_bell": ("bell", stk("STKTubeBell", [(2, 20, 110), (4, 20, 110), (11, 20, 60), (1, 0, 40)])),
    "fm_voices": ("voice", stk("STKFMVoices", [(2, 0, 127), (4, 20, 100), (11, 20, 60), (1, 0, 40)])),
    "formant_voice": ("voice", stk("STKVoicForm", [(2, 20, 100), (4, 0, 127), (1, 0, 40)])),
    "swept_moog": ("lead", stk("STKMoog", [(2, 10, 110), (4, 20, 110), (11, 20, 60), (1, 0, 30)])),
    "simple_fm": ("bell", simple_fm),
    "saw_pad": ("pad", analog((0.3, 1.0), DETUNED[:5], (0.0, 0.4))),
    "saw_lead": ("lead", analog((0.003, 0.03), DETUNED, (0.1, 0.7))),
    "analog_bass": ("bass", analog((0.003, 0.01), ("1.003", "0.997", "0.5"), (0.1, 0.75))),
    "analog_brass": ("brass", analog((0.04, 0.12), DETUNED[:5], (0.0, 0.3))),
    "wooden_bar": ("mallet", modal((1, 3.98, 9.9, 2.57), (20, 90), (1500, 6000))),
    "tuned_bar": ("mallet", modal((1, 3, 6.2, 10.1), (60, 220), (1500, 7000))),
    "glass_bowl": ("bell", modal((1, 2.32, 4.25, 6.63, 9.38), (400, 1500), (1200, 6000))),
    "steel_plate": ("metal", modal((1, 1.59, 2.14, 2.65, 2.92, 3.5, 4.6), (120, 600), (2500, 9000))),
    "brass_bell": ("bell", modal((0.5, 1, 1.19, 1.5, 2, 2.51, 2.66, 4.1), (300, 1200), (2000, 8000))),
    "hollow_log": ("mallet", modal((1, 2.77, 5.18, 8.16), (15, 60), (800, 4000))),
    "vowel_ah": ("voice", vowel((650, 1080, 2650, 2900, 3250))),
    "vowel_ee": ("voice", vowel((290, 1870, 2800, 3250, 3540))),
    "vowel_oh": ("voice", vowel((400, 800, 2600, 2800, 3000))),
    "pulse_train": ("lead", pulse_train),
}
