# The layers: the folders of src/, lowest first, and for each those that it may include. All but cli, which
# is the command, make up the library. This is the one table of arrows; the build takes from it what a unit test of a
# layer links, and tests/layers.cmake checks every #include against it.
#
#     cli -> api -> { run, launch } -> { sched, record, func, node, board } -> config -> base
#                     run -> net -> wire -> config

set(RANKPOOL_LAYERS base config board func node record sched wire net launch run api cli)

set(RANKPOOL_REACH_base)
set(RANKPOOL_REACH_config ${RANKPOOL_REACH_base} base)
foreach(layer board func node record sched wire)
    set(RANKPOOL_REACH_${layer} ${RANKPOOL_REACH_config} config)
endforeach()
set(RANKPOOL_REACH_net ${RANKPOOL_REACH_wire} wire)
set(RANKPOOL_REACH_launch ${RANKPOOL_REACH_sched} board func node record sched)
set(RANKPOOL_REACH_run ${RANKPOOL_REACH_launch} wire net)
set(RANKPOOL_REACH_api ${RANKPOOL_REACH_run} launch run)
set(RANKPOOL_REACH_cli ${RANKPOOL_REACH_api} api)

# The only files that may include MPI's header; the public one is for programs that run MPI.
set(RANKPOOL_MPI_SOURCES src/api/comm.c src/api/comm_exchange.c src/api/comm_state.h
    src/net/mpi.c src/net/mpi_call.c src/net/mpi_call.h src/net/mpi_copy.c src/net/mpi_flight.c src/net/mpi_peer.c src/net/mpi_state.h
    include/rankpool/mpi.h)
