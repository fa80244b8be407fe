"""Comparing a model with real notes: the command `evaluate`, and `judge`, which trains the network it measures with.

notes.py       which notes are compared, and their sound: real, made by the model, reconstructed
pitch.py       who is in tune, by pitch_tracker.py, which knows nothing of the model
judge.py       a network that learns pitches and instruments from real notes: training it, saving it, asking it
measures.py    the formulas: inception score, FID, NDB, distances
textures.py    what wavers, and how far a spectrum stands out
checks.py      pre-echo, clicks, levels
trials.py      notes that answer one question each: octaves, seeds, nearest training notes, morphs
comparison.py  all of it: note by note (judged.py), then figures.py makes one document of the figures
report.py      the report's folder: markdown.py and tables.py write it, listen.py makes a page to listen to
audio.py       the same figures of notes in a folder, whoever made them
columns.py     figures of other models, from their own reports
command.py     the command line
"""
