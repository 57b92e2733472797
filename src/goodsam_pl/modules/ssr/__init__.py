"""SSR: self-training on unlabelled images, in the manner of DAFormer."""
