// Random graphs and seeded numbers, which most tests that use this room want.
@_exported import ApusFuzzing
