#!/usr/bin/env python3
"""The suites of tests/mpi over several hosts: suites.py PROGRAM... [--alone PROGRAM...], each of them over all layouts
of LAYOUTS, as in h1:2,h2:2 h1:1,h2:1. mpirun starts them, and `rankpool run` those that are to run alone, over ALONE.
They find what they share in a folder that all hosts see. SECONDS is the time for a suite, and RANKPOOL_TEST_TIMEOUT
makes that for a case longer.
"""
import os
import sys
import tempfile
import time

from hosts import Job, mpirun

SECONDS = float(os.environ.get("SECONDS", 60))
both = " ".join(sys.argv[1:]).split("--alone")
launched, alone = both[0].split(), both[1].split() if both[1:] else []
failed = []


def run(program, layout, *words):
    began = time.monotonic()
    with Job("h1", *words, variables=variables) as job:
        try:
            status = job.await_end(SECONDS)
        except AssertionError as hung:
            status = str(hung)
    print(f"{os.path.basename(program)} on {layout}: {status}, {time.monotonic() - began:.1f} s", flush=True)
    if status:
        print(job.text, flush=True)
        failed.append(f"{os.path.basename(program)} on {layout}")


with tempfile.TemporaryDirectory(dir=os.environ["SHARED"]) as shared:
    variables = [f"RANKPOOL_TEST_SHARED={shared}",
                 f"RANKPOOL_TEST_TIMEOUT={os.environ.get('RANKPOOL_TEST_TIMEOUT', 1)}"]
    for layout in os.environ["LAYOUTS"].split():
        for program in launched:
            run(program, layout, *mpirun(layout, program, variables=variables))
    for layout in os.environ.get("ALONE", "").split():
        for program in alone:
            run(program, layout, os.environ["RANKPOOL"], "run", "-q", f"--hosts={layout}", program)
print(f"failed: {', '.join(failed) or 'none'}")
sys.exit(bool(failed))
