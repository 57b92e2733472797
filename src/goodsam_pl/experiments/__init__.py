"""Plans of several runs: what a plan says is run, resumed and reported."""
