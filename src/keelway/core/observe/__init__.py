"""Everything that is watched of a release besides its totals: routes, queues, what vanished, what fills up, time."""
