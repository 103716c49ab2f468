/* The examples of the reference: each call's is the part between two lines `//! [rp_call]` in the file
 * of its section, as the manual shows it. They are cases of one program, so that each is compiled,
 * run and checked; check.py sees to it that there is one for every call. */
#ifndef RANKPOOL_TESTS_REFERENCE_CALLS_H
#define RANKPOOL_TESTS_REFERENCE_CALLS_H

#include <stdio.h>
#include <stdlib.h>

#include "suite/suite.h"

/* Answers the square of a double. */
rp_fn square;

#endif
