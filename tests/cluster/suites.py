#!/usr/bin/env python3
"""The suites of tests/mpi over several hosts: suites.py PROGRAM..., each of them over all layouts of LAYOUTS, as in
h1:2,h2:2 h1:1,h2:1. They find what they share in a folder that all hosts see.
"""
import os
import sys
import tempfile

from hosts import Job, mpirun

failed = False
with tempfile.TemporaryDirectory(dir=os.environ["SHARED"]) as shared:
    variables = [f"RANKPOOL_TEST_SHARED={shared}"]
    for layout in os.environ["LAYOUTS"].split():
        for program in sys.argv[1:]:
            with Job("h1", *mpirun(layout, program, variables=variables), variables=variables) as job:
                status = job.await_end(float(os.environ.get("SECONDS", 60)))
            print(f"{os.path.basename(program)} on {layout}: {status}", flush=True)
            if status:
                print(job.text)
                failed = True
sys.exit(failed)
