"""The studio family, trained in two stages.

reconstruction.py  first stage: generator and encoder learn to reconstruct notes
losses.py          the loss of reconstruction, of both stages
adversarial.py     second stage: a Wasserstein GAN that takes over from the first
critic.py          the critic of the second stage; kin.py finds it notes of one instrument and key
schedule.py        the learning rate of both stages
prior.py           fits the prior, so that what a player draws is spread like real notes
encoding.py        what the encoder says of a set's notes
model.py           generator and encoder on disk
"""
