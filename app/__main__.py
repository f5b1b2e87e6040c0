"""`python -m app` is the same as `segments`."""

from app.cli import main

if __name__ == "__main__":
    main()
