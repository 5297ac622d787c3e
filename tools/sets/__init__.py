"""The sets that ``tools/build_data.py`` builds, one module each."""
