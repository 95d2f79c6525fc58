"""The goals of docs/performance.md, measured: each side by side, in one run, with what it is compared with."""
