"""The site of the documentation: what `make docs` adds to the pages of docs/."""
