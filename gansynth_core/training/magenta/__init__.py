"""Magenta's GANSynth, trained from scratch as the paper did.

gan.py            progressive growing, the losses and the steps
discriminator.py  the discriminator and its auxiliary classifiers
"""
