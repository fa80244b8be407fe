"""The fuzzers of tests/test_fuzz.py with other examples each time, for as long as you like.

python -m tests.campaigns.fuzz --minutes 60
"""

import argparse
import os
import subprocess
import sys
import time

from tests.campaigns.running import ROOT, load

EXAMPLES = 2000  # a part and a round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="a part and a round")
    options = parser.parse_args()
    until, rounds = time.monotonic() + 60 * options.minutes, 0
    print(load())
    while time.monotonic() < until:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "tests/test_fuzz.py"]
        environment = os.environ | {"FUZZ_EXAMPLES": str(options.examples)}
        if subprocess.run(command, cwd=ROOT, env=environment).returncode:
            return 1
        rounds += 1
        print(f"round {rounds}: {options.examples} examples a part, and no traceback", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
