"""What a training run is told: one frozen dataclass a family, with named recipes, and nothing else."""

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import ClassVar

from gansynth_core.errors import InputError, nearest
from gansynth_core.specgram import MelSpecgramSpec, Representation, SpecgramSpec

#: What the studio model hears and plays: 4 s at 24 kHz as 128 frames of 1536 bins.
STUDIO_SPEC = SpecgramSpec(
    sample_rate=24000,
    samples=96000,
    n_fft=3072,
    hop=768,
    pad_front=2304,
    pad_back=2304,
    log_magnitude_low=-6.2,
    log_magnitude_high=6.6,
)

#: What Magenta's GANSynth hears and plays: 4 s at 16 kHz as 128 frames of 1024 mel bins. The normalizer is the one its
#: models have by default (magenta/models/gansynth/lib/model.py, set_flags).
MAGENTA_SPEC = MelSpecgramSpec(
    sample_rate=16000,
    samples=64000,
    n_fft=2048,
    hop=512,
    pad_front=3072,
    normalizer=((0.0661371661726, 0.113718730221, 0.8, 0.0),),
)

#: By the names that `data --spec` knows.
SPECS: dict[str, Representation] = {"studio": STUDIO_SPEC, "magenta": MAGENTA_SPEC}


@dataclass(frozen=True)
class TrainConfig:
    """All that decides the outcome of a run beside its data; what every family is told. Lengths of training are in
    notes seen, whatever the batch.

    model: id and title of the result. notes: training notes to see. batch: notes a step, those of all processes.
    precision: "bf16" (autocast; also the faster one on recent CPUs) or "fp32", where the family allows it.
    snapshot_notes: notes from one snapshot to the next. checkpoint_minutes: from one saved state to the next.
    """

    family: ClassVar[str]
    spec_name: ClassVar[str]  # which of SPECS its sets are made with
    precisions: ClassVar[tuple[str, ...]]
    learns_layers: ClassVar[bool] = False  # whether notes of two instruments are trained on, too

    model: str
    latent_size: int
    notes: int
    batch: int
    learning_rate: float
    precision: str
    snapshot_notes: int
    seed: int = 0
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.precision not in self.precisions:
            choice = " or ".join(self.precisions)
            raise InputError(f"Precision '{self.precision}' is not for the family '{self.family}': choose {choice}.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.model):
            raise InputError(f"'{self.model}' is no name for a model: use letters, digits, _ and - only.")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and value < 1 and field.name not in _MAY_BE_ZERO:
                raise InputError(f"Training option '{field.name}' is at least 1, not {value}.")
            if isinstance(value, int | float) and not 0 <= value < math.inf:  # also refuses NaN
                raise InputError(f"Training option '{field.name}' is a number of at least 0, not {value:g}.")

    def replace(self, **changes: object) -> "TrainConfig":
        """A copy with `changes`; unknown names and values of another type raise InputError."""
        fields = {f.name: f.type for f in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in fields:
                raise InputError(f"There is no training option '{name}'.{nearest(name, fields)}")
            current = getattr(self, name)
            if isinstance(current, float) and isinstance(value, int):
                changes[name] = value = float(value)
            if type(value) is not type(current):
                raise InputError(f"Training option '{name}' is a {type(current).__name__}, not {value!r}.")
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict:
        return {"family": self.family} | dataclasses.asdict(self)


_MAY_BE_ZERO = ("seed", "warmup_notes", "critic_notes")


@dataclass(frozen=True)
class ReconstructionConfig(TrainConfig):
    """The first stage of a studio model: generator and encoder learn to reconstruct notes.

    channels, features, bands, functions: see StudioGenerator. The learning rate rises over `warmup_notes` and falls
        linearly to zero over the last `decay_share` of the run.
    judged_frames: frames of each note that the loss looks at, drawn anew each step, the attack more often than the
        tail; all frames are grown, but spectra are by far the largest arrays, and neighbouring frames teach the same.
    band_weight: of the error of whole bands' levels beside that of each bin (see studio.reconstruction.band_loss).
    kl_nats: information a note may hand its latent, free of charge. Enough for what varies within an instrument, and
        little enough that latents drawn from the (fitted) prior sound as good as those of real notes.
    ema_notes: half-life of the averaged weights that snapshots hold.
    """

    family = "studio"
    spec_name = "studio"
    precisions = ("bf16", "fp32")
    learns_layers = True

    model: str = "studio"
    latent_size: int = 512
    channels: int = 512
    features: int = 384
    bands: int = 64
    functions: int = 8
    notes: int = 400_000
    batch: int = 16
    learning_rate: float = 1e-3
    warmup_notes: int = 4_000
    decay_share: float = 0.4
    judged_frames: int = 48
    tonality_weight: float = 0.5
    band_weight: float = 1.0
    kl_nats: float = 40.0
    kl_weight: float = 0.02
    instrument_weight: float = 0.2
    ema_notes: int = 8_000
    precision: str = "bf16"
    snapshot_notes: int = 50_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decay_share > 1:
            raise InputError(f"Training option 'decay_share' is at most 1, not {self.decay_share:g}.")


@dataclass(frozen=True)
class MagentaConfig(TrainConfig):
    """Magenta's GANSynth from scratch; the defaults are the original's (magenta/models/gansynth/configs/
    mel_prog_hires.py, lib/model.py), whose images are our notes.

    fmap_base, fmap_max, num_resolutions: see MagentaGenerator. stable_notes, fade_notes: lengths of the stages in turn,
        a size of picture held and the next one faded in; the last stage takes what is left of `notes`.
    group: notes that the discriminator compares with each other, whatever the batch and the number of processes.
    average_decay: share of the averaged weights that a step keeps.
    gradient_weight, gradient_target: of the gradient penalty, in units of the data that are not normalised.
    real_score_weight: of the squared scores of real notes. pitch_weight, instrument_weight: of the auxiliary
        classifications. At 0, as in the original, a network is told nothing of instruments.
    There is no bf16: the gradient penalty differentiates twice.
    """

    family = "magenta"
    spec_name = "magenta"
    precisions = ("fp32",)

    model: str = "magenta"
    latent_size: int = 256
    fmap_base: int = 4096
    fmap_max: int = 256
    num_resolutions: int = 7
    notes: int = 11_000_000
    stable_notes: int = 800_000
    fade_notes: int = 800_000
    batch: int = 8
    group: int = 8
    learning_rate: float = 8e-4
    average_decay: float = 0.999
    gradient_weight: float = 10.0
    gradient_target: float = 1.0
    real_score_weight: float = 1e-3
    pitch_weight: float = 10.0
    instrument_weight: float = 0.0
    precision: str = "fp32"
    snapshot_notes: int = 200_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.num_resolutions <= 16 or self.fmap_base >> self.num_resolutions < 1:
            raise InputError("Training option 'num_resolutions' is 2 to 16, and 'fmap_base' at least 2 to its power.")
        if self.batch % self.group:
            raise InputError(f"A batch of {self.batch} notes is not made of groups of {self.group}: change 'group'.")
        if self.average_decay >= 1 or self.gradient_target == 0:
            raise InputError("Training options 'average_decay' below 1 and 'gradient_target' above 0 are needed.")


@dataclass(frozen=True)
class AdversarialConfig(TrainConfig):
    """The adversarial stage of a studio model. What has the size of the networks comes from the model begun with.

    texture: see StudioGenerator; for a model that has none yet. critic_width, group: see StudioCritic.
    grow_notes: after so many the critic listens to the next finer stage.
    critic_steps: of the critic for each of the generator's. critic_notes: for these the critic learns alone. Then the
        generator's learning rate rises over `warmup_notes`, and falls linearly to zero over the last `decay_share` of
        the run.
    rebuilt_share: of a batch, is made through the encoder. reconstruction_weight: of the first stage's loss on these;
        the terms within it are weighted as there. At 1 its gradient is a third of that of a critic of slope 1.
    naming_weight: of the generator's cross-entropy on instrument and pitch as the critic hears them: at 0.02 its
        gradient is a sixth of that, and at 0.04 made notes soon were easier to name than real ones.
        critic_naming_weight: of the critic's on real notes.
    gradient_weight: of the penalty on slopes other than 1, in the units of StudioCritic.slope_units. A critic of slope
        1 sees a distance of a few hundredths, and the paper's weight of 10 would leave the penalty alone to be learned.
    real_score_weight: of the squared scores of real notes.
    clip: longest gradient of a step. ema_notes: half-life of the averaged weights that snapshots hold.
    """

    family = "studio"
    spec_name = "studio"
    precisions = ("bf16", "fp32")

    model: str = "studio-gan"
    latent_size: int = 512
    texture: int = 8
    critic_width: int = 96
    group: int = 2
    grow_notes: int = 1_500
    notes: int = 52_000
    batch: int = 32
    learning_rate: float = 1e-4
    critic_learning_rate: float = 1e-3
    critic_notes: int = 8_000
    critic_steps: int = 4
    warmup_notes: int = 3_000
    decay_share: float = 0.4
    rebuilt_share: float = 0.25
    reconstruction_weight: float = 1.0
    tonality_weight: float = 0.5
    band_weight: float = 1.0
    naming_weight: float = 0.02
    critic_naming_weight: float = 0.01
    gradient_weight: float = 0.15
    real_score_weight: float = 1e-3
    clip: float = 5.0
    ema_notes: int = 6_000
    precision: str = "bf16"
    snapshot_notes: int = 12_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group < 2 or self.batch % self.group:
            raise InputError(
                f"A batch of {self.batch} notes is not made of groups of {self.group}, of 2 notes or more."
            )
        if self.decay_share > 1 or not self.group <= self.rebuilt <= self.batch:
            raise InputError(
                "Training options 'decay_share' and 'rebuilt_share' are at most 1, the latter a group or more."
            )

    @property
    def rebuilt(self) -> int:
        """Notes of a batch that are made through the encoder: whole groups."""
        return round(self.rebuilt_share * self.batch / self.group) * self.group


RECIPES: dict[str, TrainConfig] = {
    "studio": ReconstructionConfig(),
    # What the model that comes along was trained with, about twice over: six minutes each on an H100.
    "studio-gpu": ReconstructionConfig(
        notes=6_000_000, batch=256, warmup_notes=150_000, ema_notes=150_000, snapshot_notes=2_000_000
    ),
    # Learns little, but every part of a run in seconds: for tests and for trying out a data folder.
    "tiny": ReconstructionConfig(
        model="tiny", channels=32, features=32, bands=12, notes=64, batch=4, judged_frames=8, snapshot_notes=32
    ),
    "magenta": MagentaConfig(),
    # All thirteen stages on one CPU core, in an hour and a half, and told the instrument: what the studio voice is
    # compared with. With a 500th of the paper's steps they have to be larger, the slope is asked to be what so short a
    # training of the discriminator can reach, and only beside a small latent is a label heeded so soon.
    "magenta-small": MagentaConfig(
        model="magenta-small",
        latent_size=32,
        fmap_base=512,
        fmap_max=64,
        notes=42_000,
        stable_notes=4_000,
        fade_notes=1_500,
        learning_rate=1e-2,
        average_decay=0.99,
        gradient_target=0.05,
        instrument_weight=10.0,
        snapshot_notes=5_500,
    ),
    "magenta-tiny": MagentaConfig(
        model="magenta-tiny",
        latent_size=16,
        fmap_base=256,
        fmap_max=8,
        notes=64,
        stable_notes=4,
        fade_notes=4,
        batch=4,
        group=4,
        snapshot_notes=32,
    ),
    "studio-gan": AdversarialConfig(),
    "tiny-gan": AdversarialConfig(
        model="tiny-gan",
        texture=2,
        critic_width=4,
        grow_notes=8,
        notes=64,
        batch=4,
        critic_notes=8,
        warmup_notes=8,
        rebuilt_share=0.5,
        precision="fp32",
        snapshot_notes=32,
    ),
}
