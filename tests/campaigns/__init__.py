"""Long trials of the whole app and its commands, run by hand: `python -m tests.campaigns.crowd --help`, and likewise
`kills`, `month` and `fuzz`. They print what they measured, and end with 1 if a promise was not kept."""
