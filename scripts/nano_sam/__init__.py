"""How the small SAM is trained and measured on StreetWorld."""
