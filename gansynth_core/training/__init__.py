"""Training models on notes, and measuring them. Known to the command line alone.

data/         where notes come from, and the prepared set that training reads
studio/       the studio family: reconstruction, then the adversarial stage
magenta/      the GANSynth of Magenta, trained from scratch
directions/   which way to move z for a slider
evaluation/   how a model compares with real notes

What all families share:
config.py     the settings of a run; recipes.py has the named ones
loop.py       the training loop: batches in, snapshots and a state to resume from out
run.py        the folder of a run: its state, its log, its snapshots
objectives.py what the loop asks of a family
parallel.py   one run in several processes
graphs.py     a training step recorded as a CUDA graph
snapshot.py   a model that plays, with a picture and a few notes to compare with real ones
wgan.py       the losses of a Wasserstein GAN with gradient penalty
"""
