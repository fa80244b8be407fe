"""The studio family, trained in stages.

reconstruction.py  first stage: generator and encoder learn to reconstruct notes
growth.py          new instruments in a model that has learned others
losses.py          the loss of reconstruction, of both stages
adversarial.py     second stage: a Wasserstein GAN that takes over from the first
critic.py          the critic of the second stage; kin.py finds it notes of one instrument and key
textures.py        a stage after the first: critics of patches teach what wavers in a note
patch_critic.py    these critics
upper.py           the upper half of a 48 kHz voice, trained alone
schedule.py        the learning rate of both stages
prior.py           fits the prior, so that what a player draws is spread like real notes
encoding.py        what the encoder says of a set's notes
model.py           generator and encoder on disk
"""
