"""What other programs may ask of a running app, through gradio_client or plain HTTP."""

import secrets
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from gradio import FileData

from gansynth_core import GanSynthError, InputError, sample
from webapp.player import Player
from webapp.sound_document import check_pitch, check_seed, file_name, sentence_of


def generate_action(player: Player, folder: Path, written: set[str]) -> Callable[..., FileData]:
    """The function behind the public endpoint `/generate`; WAV files go below `folder`, their paths to `written`."""

    names = player.card.instruments
    usual = "violin" if "violin" in names else next(iter(names), "")

    def generate(instrument: str = usual, note: int = 60, seed: int = 0, duration: float = 4.0) -> FileData:
        """Render one note as a 24-bit WAV file.

        instrument: General MIDI name such as "violin"; empty for a model that has no instruments. note: MIDI pitch, 60
        is middle C. seed: which of the instrument's sounds. duration: seconds, more than 0 and at most 60; what is
        longer than the model's notes is held.
        """
        card = player.card
        try:
            if not isinstance(duration, int | float) or not isinstance(instrument, str):
                raise InputError("The instrument must be a name and the duration a number of seconds.")
            pitch = check_pitch(note, card)
            timbre = sample(card, seed=check_seed(seed), instrument=instrument)[0]
            clips = player.render_note(timbre, pitch, duration)
            sound = {"instruments": dict(timbre.instruments), "seed": int(seed), "sliders": {}, "raw": {}}
            path = clips[0].save(folder / secrets.token_hex(16) / file_name(sound, pitch))
        except GanSynthError as error:
            raise gr.Error(sentence_of(error), print_exception=False) from error
        written.add(str(path))
        return FileData(path=str(path), orig_name=path.name)

    return generate
