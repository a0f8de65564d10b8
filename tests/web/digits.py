"""The ten digits as hands write them: polylines in the unit square, x to the right and y down."""

import math


def arc(x, y, rx, ry, begin, end, count=14):
    """Points of an ellipse from one angle to another, in degrees; 0 is to the right, 90 is down."""
    angles = [math.radians(begin + (end - begin) * i / count) for i in range(count + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


DIGITS = [
    [arc(0.5, 0.5, 0.31, 0.45, -80, -440, 24)],
    [[(0.46, 0.05), (0.49, 0.5), (0.5, 0.95)]],
    [arc(0.48, 0.3, 0.3, 0.25, 185, 395) + [(0.2, 0.92), (0.84, 0.92)]],
    [arc(0.45, 0.28, 0.28, 0.23, 205, 450) + arc(0.45, 0.73, 0.32, 0.23, -90, 155)],
    [[(0.34, 0.06), (0.2, 0.56), (0.82, 0.56)], [(0.64, 0.3), (0.6, 0.95)]],
    [[(0.78, 0.08), (0.3, 0.08), (0.26, 0.46)] + arc(0.47, 0.68, 0.3, 0.25, -125, 145)],
    [arc(0.72, 0.62, 0.5, 0.58, 255, 182) + arc(0.5, 0.71, 0.27, 0.23, 180, -180, 20)],
    [[(0.17, 0.1), (0.82, 0.1), (0.42, 0.95)]],
    [arc(0.5, 0.27, 0.22, 0.21, 60, -240, 18) + arc(0.5, 0.72, 0.27, 0.23, -120, 240, 18) + [(0.6, 0.46)]],
    [arc(0.48, 0.3, 0.25, 0.24, 0, -360, 18) + [(0.72, 0.5), (0.66, 0.95)]],
]

# width and height on the pad of one unit, the place of the middle (all as parts of the pad), and the slant: how far the
# top leans to the right for each unit of height
HANDS = {
    "large": (0.72, 0.78, 0.5, 0.5, 0.0),
    "small, low and left": (0.4, 0.5, 0.35, 0.62, 0.0),
    "slanted": (0.6, 0.7, 0.52, 0.48, 0.22),
}


def written(digit, hand, spacing=0.05):
    """The strokes of a digit in a hand, as parts of the pad's side, with points at most `spacing` apart."""
    wide, high, middle_x, middle_y, slant = HANDS[hand]

    def place(x, y):
        return middle_x + wide * (x - 0.5) - slant * high * (y - 0.5), middle_y + high * (y - 0.5)

    strokes = []
    for line in DIGITS[digit]:
        points = [place(*line[0])]
        for x, y in (place(*p) for p in line[1:]):
            last_x, last_y = points[-1]
            pieces = max(1, math.ceil(math.hypot(x - last_x, y - last_y) / spacing))
            points += [(last_x + (x - last_x) * i / pieces, last_y + (y - last_y) * i / pieces)
                       for i in range(1, pieces + 1)]
        strokes.append(points)
    return strokes
