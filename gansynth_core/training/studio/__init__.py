"""The studio family, trained in two stages.

reconstruction.py  first stage: generator and encoder learn to reconstruct notes
adversarial.py     second stage: a Wasserstein GAN that takes over from the first
critic.py          the critic of the second stage
prior.py           fits the prior, so that what a player draws is spread like real notes
encoding.py        what the encoder says of a set's notes
model.py           generator and encoder on disk
"""
