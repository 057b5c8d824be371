"""Print the environment variables that hold factors still, as the factors themselves name them: nix/variables.json.

PYTHONPATH=src python nix/variables.py >nix/variables.json
"""

import json

from reprotest.export.variables import held

if __name__ == "__main__":
    print(json.dumps(held(), indent=2, sort_keys=True))
