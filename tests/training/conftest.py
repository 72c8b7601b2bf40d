import sys
from pathlib import Path

# Beside the tests, not in a package of its own.
sys.path.insert(0, str(Path(__file__).resolve().parent))
