"""k-means and product quantization beside faiss-cpu and scikit-learn, in turns, in one run.

    cargo build --release -p ocelli-codebooks --example timing
    python bench/peers/codebooks.py [--threads 2] [--turns 3] [--rows FILE.npy] [--only noise,clusters,product]

k-means: 50,000 x 256, k = 1,000, 25 steps from the first 1,000 rows, on normal noise and on 1,000 Gaussians with a
deviation of 0.3 of the mean distance of their centres in each column ("clusters") or in all together ("tight"); and on
the rows of a NumPy file (k = 1,000 too). Product quantization: 65,536 x 512, M = 32, 8 bits. A turn runs one after the
other, so that what else the machine does hits all alike; medians of turns are told. `wall` is the clock, `cpu` what all
threads used of processors. Prints CSV; packages: requirements-codebooks.txt.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--turns", type=int, default=3)
arguments.add_argument("--rows", help="a NumPy file of rows to cluster too")
arguments.add_argument("--only", default="noise,clusters,tight,rows,product")
arguments.add_argument("--timing", default=str(pathlib.Path(__file__).parents[2] / "target/release/examples/timing"))
ARGS = arguments.parse_args()
for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[variable] = str(ARGS.threads)

import faiss  # noqa: E402
import numpy as np  # noqa: E402
from sklearn.cluster import KMeans  # noqa: E402

import results  # noqa: E402

faiss.omp_set_num_threads(ARGS.threads)
K, STEPS = 1000, 25


def main():
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ARGS.only.split(","):
            if name == "product":
                rows += product(pathlib.Path(folder))
            elif name != "rows" or ARGS.rows:
                rows += kmeans(name, np.ascontiguousarray(points(name)), pathlib.Path(folder))
    results.write(rows)


def points(name):
    rng = np.random.default_rng(0)
    count, width = 50_000, 256
    if name == "rows":
        return np.load(ARGS.rows).astype(np.float32)
    if name == "noise":
        return rng.standard_normal((count, width), dtype=np.float32)
    centres = rng.standard_normal((K, width), dtype=np.float32)
    deviation = 0.3 * np.sqrt(2 * width) / (np.sqrt(width) if name == "tight" else 1)
    noise = rng.standard_normal((count, width), dtype=np.float32)
    return (centres[rng.integers(K, size=count)] + deviation * noise).astype(np.float32)


def kmeans(name, x, folder):
    """Rows of the table: times and inertia of each tool, which is that of the assignment to its last centroids."""
    file, out = folder / "x.f32", folder / "assignment"
    x.tofile(file)
    start = x[:K].copy()
    times, found = {}, {}
    for _ in range(ARGS.turns):
        for pruning in ["auto", "off"]:
            command = [ARGS.timing, "kmeans", file, str(x.shape[1]), str(K), str(STEPS), pruning]
            told = ours(command, OUT=str(out))
            note(times, f"ocelli {pruning}", told["seconds"])
            found[f"ocelli {pruning}"] = told["inertia"], np.fromfile(out, dtype=np.uint32), told["evaluated"]
        theirs = faiss.Kmeans(x.shape[1], K, niter=STEPS, max_points_per_centroid=10**9, min_points_per_centroid=1)
        note(times, "faiss", timed(lambda: theirs.train(x, init_centroids=start.copy())))
        distances, nearest = theirs.index.search(x, 1)
        found["faiss"] = float(distances.astype(np.float64).sum()), nearest[:, 0], 1
        learn = KMeans(K, init=start, n_init=1, max_iter=STEPS, tol=0, algorithm="lloyd")
        note(times, "scikit-learn", timed(lambda: learn.fit(x)))
        found["scikit-learn"] = float(learn.inertia_), learn.labels_, 1
    same = {tool: float((found[tool][1] == found["ocelli off"][1]).mean()) for tool in found}
    return [
        row(f"kmeans {name} {x.shape[0]}x{x.shape[1]} k={K}", tool, times[tool])
        | {"error": round(found[tool][0], 3), "same": round(same[tool], 6), "evaluated": round(found[tool][2], 4)}
        for tool in times
    ]


def product(folder):
    width, codebooks, bits = 512, 32, 8
    x = np.random.default_rng(0).standard_normal((65_536, width), dtype=np.float32)
    file = folder / "pq.f32"
    x.tofile(file)
    times, error = {}, {}
    for _ in range(ARGS.turns):
        told = ours([ARGS.timing, "product", file, str(width), str(codebooks), str(bits), "off"])
        for step in ["train", "encode", "decode"]:
            note(times, f"ocelli {step}", told[step])
        error["ocelli"] = told["squared_error"]
        quantizer = faiss.ProductQuantizer(width, codebooks, bits)
        note(times, "faiss train", timed(lambda: quantizer.train(x)))
        made = {}
        note(times, "faiss encode", timed(lambda: made.update(codes=quantizer.compute_codes(x))))
        note(times, "faiss decode", timed(lambda: made.update(rows=quantizer.decode(made["codes"]))))
        error["faiss"] = float(((made["rows"] - x).astype(np.float64) ** 2).sum(axis=1).mean())
    return [
        row(f"product {tool.split()[1]} {x.shape[0]}x{width} M={codebooks} b={bits}", tool.split()[0], times[tool])
        | {"error": round(error[tool.split()[0]], 4), "same": "", "evaluated": ""}
        for tool in times
    ]


def ours(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    return json.loads(done.stdout)


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def note(times, tool, seconds):
    times.setdefault(tool, []).append(seconds)
    print(tool, *(f"{part:.3f}" for part in seconds), file=sys.stderr, flush=True)


def row(subject, tool, seconds):
    wall, cpu = (statistics.median(part) for part in zip(*seconds))
    version = {"faiss": faiss.__version__, "scikit-learn": __import__("sklearn").__version__}.get(tool, "")
    return results.circumstances(0) | {
        "subject": subject,
        "tool": tool,
        "version": version,
        "threads": ARGS.threads,
        "turns": ARGS.turns,
        "wall_s": round(wall, 4),
        "cpu_s": round(cpu, 4),
    }


main()
