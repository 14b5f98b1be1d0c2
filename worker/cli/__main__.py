"""``python -m worker.cli``: the console script, where it is not installed."""

import sys

from worker.cli.main import main

sys.exit(main())
