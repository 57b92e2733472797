"""A report: what runs, predictions and stages hold, as one page that works without a network."""
