"""`python -m tests.zoo`: the scoreboard."""

import sys

from tests.zoo.scoreboard import main

sys.exit(main())
