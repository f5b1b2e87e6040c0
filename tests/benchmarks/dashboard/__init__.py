"""The dashboard in Chromium, with a million customers."""
