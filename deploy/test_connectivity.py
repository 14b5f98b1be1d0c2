"""The connectivity test under the name that the quick start calls it by: /app/apps/worker/test_connectivity.py in the container."""

import sys

from worker.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["check", *sys.argv[1:]]))
