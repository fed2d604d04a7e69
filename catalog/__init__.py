"""Records: STAC items and files under outputs/. Sole reader and writer of that folder."""
