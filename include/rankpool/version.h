/* The version of rankpool. This is the only place where it is written: the build reads it here. */
#ifndef RANKPOOL_VERSION_H
#define RANKPOOL_VERSION_H

#define RANKPOOL_VERSION_MAJOR 0
#define RANKPOOL_VERSION_MINOR 1
#define RANKPOOL_VERSION_PATCH 0

#endif
