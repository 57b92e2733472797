"""What others offer for the same work, as benchmarks hold ours against it."""
