"""Where scenes come from: folders of images, static STAC catalogues, the built-in demo archive."""
