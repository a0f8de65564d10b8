"""Builds wheels (PEP 517) with the standard library alone, so that `pip install ./python` needs no network.

`pip` makes a wheel without the library, which finds an installed one. `python3 cnn_build.py FOLDER LIBRARY…`
(make wheel) puts libraries inside: the same package for every version of Python, and a tag that says on which systems
they run."""

import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent
METADATA = """Metadata-Version: 2.1
Name: cnn
Version: {version}
Summary: Tensors and convolutional neural networks by libcnn, a C library, with PyTorch's names
License: MIT
Requires-Python: >=3.9
Description-Content-Type: text/markdown

{readme}"""


def version():
    """That of the headers, or in an unpacked source package of its PKG-INFO."""
    header = HERE.parent / "include" / "cnn" / "version.h"
    if header.exists():
        return re.search(r'CNN_VERSION_STRING "(.*)"', header.read_text(encoding="utf-8"))[1]
    return re.search(r"^Version: (.*)$", (HERE / "PKG-INFO").read_text(encoding="utf-8"), re.M)[1]


def metadata():
    return METADATA.format(version=version(), readme=(HERE / "README.md").read_text(encoding="utf-8"))


def package():
    """The files of the package. Those that follow from the headers are written first, where these are."""
    maker = HERE.parent / "tools" / "make-python.py"
    if maker.exists():
        subprocess.run([sys.executable, str(maker)], check=True)
    return [path for path in sorted((HERE / "cnn").rglob("*")) if path.suffix == ".py" or path.name == "py.typed"]


def system_tag(libraries):
    """manylinux_2_N_MACHINE, of the newest glibc that a library asks for; linux_MACHINE where nobody can tell."""
    machine = platform.machine()
    newest = 0
    for library in libraries:
        try:
            out = subprocess.run(["objdump", "-p", library], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return f"linux_{machine}"
        found = [int(minor) for minor in re.findall(r"GLIBC_2\.(\d+)", out)]
        found += [36] if "GLIBC_ABI_DT_RELR" in out else []  # the first that loads packed relocations
        if not found:
            return f"linux_{machine}"
        newest = max(newest, *found)
    # 2.5 is the oldest that has a tag
    return f"manylinux_2_{max(newest, 5)}_{machine}"


def write_wheel(folder, libraries=()):
    tag = f"py3-none-{system_tag(libraries) if libraries else 'any'}"
    name = f"cnn-{version()}-{tag}.whl"
    info = f"cnn-{version()}.dist-info"
    files = {path.relative_to(HERE).as_posix(): path.read_bytes() for path in package()}
    for library in libraries:
        files[f"cnn/lib/{soname(library)}"] = pathlib.Path(library).read_bytes()
    license_file = HERE.parent / "LICENSE"
    files[f"{info}/METADATA"] = metadata().encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: cnn_build\nRoot-Is-Purelib: "
        f"{'false' if libraries else 'true'}\nTag: {tag}\n"
    ).encode()
    if license_file.exists():
        files[f"{info}/LICENSE"] = license_file.read_bytes()
    record = "".join(f"{path},sha256={digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    when = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")), 315532800))[:6]
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if ".so" in path else 0o100644) << 16
            wheel.writestr(entry, data)
    return name


def soname(library):
    """libcnn.so.0.2.0 is loaded as libcnn.so.0.2."""
    parts = pathlib.Path(library).name.split(".so.")
    numbers = parts[1].split(".") if len(parts) == 2 else []
    return f"{parts[0]}.so.{'.'.join(numbers[:2] if numbers[:1] == ['0'] else numbers[:1])}"


def digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


# ---- what pip calls ----


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory)


def build_sdist(sdist_directory, config_settings=None):
    base = f"cnn-{version()}"
    info = pathlib.Path(sdist_directory) / "PKG-INFO"
    info.write_text(metadata(), encoding="utf-8")
    with tarfile.open(pathlib.Path(sdist_directory) / f"{base}.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path in ("pyproject.toml", "README.md", "backend/cnn_build.py"):
            archive.add(HERE / path, f"{base}/{path}")
        for path in package():
            archive.add(path, f"{base}/{path.relative_to(HERE).as_posix()}")
        archive.add(info, f"{base}/PKG-INFO")
    info.unlink()
    return f"{base}.tar.gz"


if __name__ == "__main__":
    folder, *libraries = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    print(os.path.join(folder, write_wheel(folder, libraries)))
