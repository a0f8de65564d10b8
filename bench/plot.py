"""A straight line through points, and a small SVG of both: all that the memory plots need."""


def least_squares(points):
    """Slope, intercept and R² of y against x."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    sxx = sum((x - mx) ** 2 for x, _ in points)
    sxy = sum((x - mx) * (y - my) for x, y in points)
    syy = sum((y - my) ** 2 for _, y in points)
    slope = sxy / sxx
    return slope, my - slope * mx, sxy * sxy / (sxx * syy) if syy else 1.0


def svg(path, title, x_label, y_label, series):
    """Writes points and their fitted lines; `series` maps a name to (colour, points)."""
    width, height, left, top, right, bottom = 640, 360, 64, 40, 16, 48
    x_most = max(x for _, points in series.values() for x, _ in points)
    y_most = 1.05 * max(y for _, points in series.values() for _, y in points)

    def at(x, y):
        return left + x / x_most * (width - left - right), height - bottom - y / y_most * (height - top - bottom)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{left}" y="22" font-size="15">{title}</text>']
    for k in range(5):
        x, y = x_most * k / 4, y_most * k / 4
        px, _ = at(x, 0)
        _, py = at(0, y)
        out += [f'<line x1="{left}" x2="{width - right}" y1="{py:.1f}" y2="{py:.1f}" stroke="#ddd"/>',
                f'<text x="{left - 6}" y="{py + 4:.1f}" text-anchor="end">{y:.0f}</text>',
                f'<text x="{px:.1f}" y="{height - bottom + 16}" text-anchor="middle">{x:g}</text>']
    out += [f'<text x="{(left + width) / 2}" y="{height - 10}" text-anchor="middle">{x_label}</text>',
            f'<text x="{left}" y="{top - 4}">{y_label}</text>']
    for k, (name, (colour, points)) in enumerate(series.items()):
        slope, start, _ = least_squares(points)
        (x0, y0), (x1, y1) = at(0, max(start, 0)), at(x_most, start + slope * x_most)
        out.append(f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}"/>')
        out += [f'<circle cx="{at(*p)[0]:.1f}" cy="{at(*p)[1]:.1f}" r="4" fill="{colour}"/>' for p in points]
        out.append(f'<text x="{left + 12}" y="{top + 16 + 16 * k}" fill="{colour}">{name}</text>')
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")
