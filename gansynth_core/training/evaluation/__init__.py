"""Measuring a model beside real notes: `python -m gansynth_core evaluate`, and `judge` for what it measures with.

notes.py       which notes, and their sound: real, made by the model, made from the encoder's finding
pitch.py       who is in tune, by pitch_tracker.py, which knows nothing of the model
spectrum.py    log-spectral distance
judge.py       a network that learned pitches and instruments from real notes: trained, saved, asked
measures.py    the formulas: inception score, FID, NDB, distances
checks.py      pre-echo, clicks, levels
trials.py      notes made for one question each: octaves, seeds, neighbours among the training notes, morphs
comparison.py  all of it: note by note (judged.py), then figures.py makes one document of the figures
report.py      the report's folder: markdown.py and tables.py write it, listen.py makes a page to listen to
columns.py     earlier reports of other models, to stand beside
command.py     the command line
"""
