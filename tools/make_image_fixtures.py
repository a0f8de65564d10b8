#!/usr/bin/env python3
"""Writes tests/fixtures/images with PIL 9.4 and torchvision 0.14 (Debian's python3-pil and python3-torchvision): pictures of every
type, and in expected.safetensors the pixels that tests/test_image_*.c compare libcnn-image's with.

PNG files are encoded here, because PIL writes few of the types, and their pixels follow from the samples by the PNG specification;
PIL reads those that it can as a check. JPEG files are written and read by PIL. FILE/unchanged, FILE/gray and FILE/rgba are u8
[channels, height, width]; resize/CASE/source and resize/CASE/pil u8, resize/CASE/torchvision f32 in [0, 1].

Usage: tools/make_image_fixtures.py [folder]
"""
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.transforms import functional as F
from torchvision.transforms import InterpolationMode

from fixtures.write import save_safetensors

HEIGHT, WIDTH = 9, 13
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
random = np.random.RandomState(19)
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1] / "tests/fixtures/images")
expected = {}


# ---- PNG ----

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(row, depth):
    """The samples of a row as bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth:]
    return np.packbits(bits.reshape(-1)).tobytes()


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(kind, row, above, step):
    out = bytearray([kind])
    for i, x in enumerate(row):
        a, b, c = (row[i - step] if i >= step else 0), above[i], (above[i - step] if i >= step else 0)
        out.append((x - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255)
    return bytes(out)


def scan(samples, depth, step):
    """The rows of a picture or of one pass over it, each with another filter."""
    out, above = b"", None
    for y in range(samples.shape[0] if samples.shape[1] else 0):
        row = packed(samples[y].reshape(-1), depth)
        out += filtered(y % 5, row, above or bytes(len(row)), step)
        above = row
    return out


def png(samples, colour, depth, interlaced, *chunks):
    step = max(1, SAMPLES[colour] * depth // 8)
    if interlaced:
        data = b"".join(scan(samples[y::dy, x::dx], depth, step) for x, y, dx, dy in ADAM7)
    else:
        data = scan(samples, depth, step)
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, int(interlaced))
    packed_data = zlib.compress(data)
    half = len(packed_data) // 2  # two chunks of pixels
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", packed_data[:half]) +
            chunk(b"IDAT", packed_data[half:]) + chunk(b"IEND", b""))


def to_8_bits(samples, depth):
    """Scaled to 0 … 255, to the nearest number."""
    most = 2 ** depth - 1
    return (samples.astype(np.int64) * 510 + most) // (2 * most)


def gray_of(rgb):
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16


def note(name, pixels, gray=None):
    """What is expected of a file whose pixels are [height, width, channels]."""
    channels = pixels.shape[2]
    colours = pixels[..., :1] if channels < 3 else pixels[..., :3]
    alpha = pixels[..., -1:] if channels in (2, 4) else np.full_like(pixels[..., :1], 255)
    gray = gray if gray is not None else colours if channels < 3 else gray_of(colours)[..., None]
    rgba = np.concatenate([colours] * (3 if channels < 3 else 1) + [alpha], axis=2)
    for kind, values in (("unchanged", pixels), ("gray", gray), ("rgba", rgba)):
        expected[f"{name}/{kind}"] = torch.from_numpy(np.ascontiguousarray(values.astype(np.uint8).transpose(2, 0, 1)))


def write(name, data):
    (folder / name).write_bytes(data)


def read_by_pil(name, pixels):
    image = Image.open(folder / name)
    if image.mode in ("P", "RGBA", "LA", "RGB", "L") and image.info.get("transparency") is None:
        mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels.shape[2]]
        assert (np.asarray(image.convert(mode)).reshape(pixels.shape) == pixels).all(), name


def png_case(colour, depth, interlaced, transparent=False, *more):
    kinds = {GRAY: "gray", RGB: "rgb", PALETTE: "palette", GRAY_ALPHA: "gray_alpha", RGB_ALPHA: "rgb_alpha"}
    name = f"{kinds[colour]}{depth}{'_trns' if transparent else ''}{'_interlaced' if interlaced else ''}{'_gamma' if more else ''}.png"
    samples = random.randint(0, 2 ** depth, (HEIGHT, WIDTH, SAMPLES[colour]))
    chunks = list(more)
    if colour == PALETTE:
        palette = random.randint(0, 256, (2 ** depth, 3))
        pixels = palette[samples[..., 0]]
        chunks.append(chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
        if transparent:
            some = random.randint(0, 256, 2 ** depth - 1)  # the last one is opaque
            chunks.append(chunk(b"tRNS", some.astype(np.uint8).tobytes()))
            pixels = np.concatenate([pixels, np.append(some, 255)[samples]], axis=2)
    else:
        if transparent:
            samples[2:5, 3:7] = samples[0, 0]
        pixels = to_8_bits(samples, depth)
        if transparent:
            chunks.append(chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes()))
            opaque = (samples != samples[0, 0]).any(axis=2, keepdims=True)
            pixels = np.concatenate([pixels, opaque * 255], axis=2)
    write(name, png(samples, colour, depth, interlaced, *chunks))
    note(name, pixels)
    if depth < 16:
        read_by_pil(name, pixels)


for interlaced in (False, True):
    for colour, depths in ((GRAY, (1, 2, 4, 8, 16)), (RGB, (8, 16)), (PALETTE, (1, 2, 4, 8)), (GRAY_ALPHA, (8, 16)), (RGB_ALPHA, (8, 16))):
        for depth in depths:
            png_case(colour, depth, interlaced)
for colour, depth in ((GRAY, 2), (GRAY, 8), (GRAY, 16), (RGB, 8), (RGB, 16), (PALETTE, 2), (PALETTE, 8)):
    png_case(colour, depth, False, True)
png_case(RGB, 8, False, False, chunk(b"gAMA", struct.pack(">I", 100000)))


# ---- JPEG ----

def smooth(height, width, channels):
    """A picture with gentle slopes and some edges."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / (3.0 + c) + c) * np.cos(y / (5.0 - c)) + 25 * ((x // 7 + y // 5 + c) % 2) for c in range(channels)]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def jpeg(mode, height=23, width=37, **options):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    image = Image.fromarray(smooth(height, width, channels).squeeze(), mode)
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def note_jpeg(name, data):
    write(name, data)
    image = Image.open(io.BytesIO(data))
    if image.mode == "CMYK":
        image = image.convert("RGB")
        gray = None
    else:
        luma = Image.open(io.BytesIO(data)) # the luma of the file, as libjpeg gives it
        luma.draft("L", luma.size)
        gray = np.asarray(luma)[..., None]
        assert luma.mode == "L"
    pixels = np.asarray(image)
    note(name, pixels if pixels.ndim == 3 else pixels[..., None], gray)


note_jpeg("gray.jpg", jpeg("L", quality=90))
note_jpeg("444.jpg", jpeg("RGB", quality=90, subsampling=0))
note_jpeg("422.jpg", jpeg("RGB", quality=80, subsampling=1))
note_jpeg("420.jpg", jpeg("RGB", quality=75, subsampling=2))
note_jpeg("progressive.jpg", jpeg("RGB", quality=85, progressive=True, optimize=True))
note_jpeg("progressive_gray.jpg", jpeg("L", quality=85, progressive=True))
cmyk = jpeg("CMYK", quality=90)
note_jpeg("cmyk.jpg", cmyk)
adobe = cmyk.index(b"Adobe") + 11 # the transform: 2 says that the same bytes are YCCK
note_jpeg("ycck.jpg", cmyk[:adobe] + b"\2" + cmyk[adobe + 1:])


# ---- EXIF ----

def exif_of(orientation, order):
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    other = struct.pack(order + "HHII", 0x0100, 4, 1, 99)
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2) + other + entry + struct.pack(order + "I", 0)


for orientation in range(1, 9):
    order = "<" if orientation % 2 else ">"
    name = f"exif{orientation}"
    data = jpeg("RGB", 10, 17, quality=92, exif=b"Exif\0\0" + exif_of(orientation, order))
    write(name + ".jpg", data)
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected[f"{name}.jpg/turned"] = torch.from_numpy(np.ascontiguousarray(np.asarray(turned).transpose(2, 0, 1)))
    samples = random.randint(0, 256, (5, 7, 3))
    write(name + ".png", png(samples, RGB, 8, False, chunk(b"eXIf", exif_of(orientation, order))))
    turned = ImageOps.exif_transpose(Image.open(folder / (name + ".png")))
    expected[f"{name}.png/turned"] = torch.from_numpy(np.ascontiguousarray(np.asarray(turned).transpose(2, 0, 1)))


# ---- resizing ----

def shorter_to(size, height, width):
    """What torchvision's Resize(size) makes of a picture."""
    return (size, int(size * width / height)) if height <= width else (int(size * height / width), size)


def covering(height, width, crop):
    return (crop[0], crop[0] * width // height) if width * crop[0] >= height * crop[1] else (crop[1] * height // width, crop[1])


def resize_case(name, height, width, channels, crop, to):
    source = smooth(height, width, channels)
    tensor = torch.from_numpy(source.transpose(2, 0, 1).copy())
    resized = F.resize(tensor.float() / 255, list(to), InterpolationMode.BILINEAR, antialias=True)
    image = Image.fromarray(source[..., 0] if channels == 1 else source).resize((to[1], to[0]), Image.Resampling.BILINEAR)
    by_pil = torch.from_numpy(np.asarray(image).reshape(to[0], to[1], channels).transpose(2, 0, 1).copy())
    expected[f"resize/{name}/source"] = tensor
    expected[f"resize/{name}/torchvision"] = F.center_crop(resized, list(crop)).contiguous()
    expected[f"resize/{name}/pil"] = F.center_crop(by_pil, list(crop)).contiguous()


resize_case("wide", 23, 37, 3, (16, 16), covering(23, 37, (16, 16)))
resize_case("tall", 41, 18, 3, (12, 15), covering(41, 18, (12, 15)))
resize_case("larger", 9, 14, 3, (32, 32), covering(9, 14, (32, 32)))
resize_case("same", 16, 16, 3, (16, 16), (16, 16))
resize_case("crop_alone", 20, 27, 3, (16, 16), (20, 27))
resize_case("much_smaller", 90, 130, 1, (7, 7), covering(90, 130, (7, 7)))
resize_case("stretched", 30, 17, 3, (11, 40), (11, 40))
resize_case("shorter_side", 31, 52, 3, (16, 12), shorter_to(21, 31, 52))
resize_case("shorter_side_tall", 52, 31, 1, (15, 14), shorter_to(20, 52, 31))
resize_case("one_pixel", 1, 1, 3, (4, 4), (4, 4))

save_safetensors(folder / "expected.safetensors", expected)
print(f"{len(expected)} tensors and {len(list(folder.glob('*.*g')))} pictures in {folder}")
