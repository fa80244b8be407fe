"""Constants that the page's scripts use too: shared.json holds them, and the modules that own them explain them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SHARED: Mapping[str, Any] = json.loads(Path(__file__).with_name("shared.json").read_text(encoding="utf-8"))
