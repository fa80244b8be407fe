"""The recipes: settings with names, `train --recipe NAME`."""

from gansynth_core.training.config import (
    AdversarialConfig,
    MagentaConfig,
    ReconstructionConfig,
    TextureConfig,
    TrainConfig,
    UpperConfig,
)

RECIPES: dict[str, TrainConfig] = {
    "studio": ReconstructionConfig(),
    # What the shipped voice was trained with, about twice over: six minutes each on an H100.
    "studio-gpu": ReconstructionConfig(
        notes=6_000_000, batch=256, warmup_notes=150_000, ema_notes=150_000, snapshot_notes=2_000_000
    ),
    # Learns little, but goes through every part of a run in seconds: for tests and for trying out a data folder.
    "tiny": ReconstructionConfig(
        model="tiny", channels=32, features=32, bands=12, notes=64, batch=4, judged_frames=8, snapshot_notes=32
    ),
    "magenta": MagentaConfig(),
    # All thirteen stages on one CPU core, in an hour and a half, and told the instrument: the baseline of the studio
    # voice. With a 500th of the paper's steps they have to be larger, the target slope is one that so short a
    # training of the discriminator can reach, and only next to a small latent is a label heeded so soon.
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
    "studio-textures": TextureConfig(),
    "studio-textures-gpu": TextureConfig(
        notes=1_000_000,
        batch=128,
        learning_rate=1e-4,
        critic_notes=25_000,
        warmup_notes=25_000,
        ema_notes=25_000,
        snapshot_notes=200_000,
    ),
    "tiny-textures": TextureConfig(
        model="tiny-textures",
        texture=2,
        fine_width=4,
        slow_width=4,
        notes=64,
        batch=4,
        critic_notes=8,
        warmup_notes=8,
        precision="fp32",
        snapshot_notes=32,
    ),
    "studio-48k": UpperConfig(),
    "tiny-48k": UpperConfig(
        model="tiny-48k",
        upper_bands=3,
        notes=64,
        batch=4,
        judged_frames=8,
        warmup_notes=8,
        precision="fp32",
        snapshot_notes=32,
    ),
}
