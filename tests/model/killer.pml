/* Death, for the models beside this file.
 *
 * Kills up to DEATHS of the workers in the bitmap VICTIMS, each between any two of its steps, or fewer of
 * them. A killed worker's process leaves by its `unless` clause: its private state is gone, shared memory
 * stays as it is. `dead` is the kernel's knowledge; when the manager learns of it is up to the model. */
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef VICTIMS
#define VICTIMS 7
#endif
#define MORTAL(w) ((VICTIMS & (1 << w)) && !dead[w])

bool dead[WORKERS];

#if DEATHS > 0
proctype killer()
{
    byte n;
    do
    :: atomic {
           n < DEATHS && !quit ->
           if
           :: MORTAL(0) -> dead[0] = true
           :: MORTAL(1) -> dead[1] = true
#if WORKERS > 2
           :: MORTAL(2) -> dead[2] = true
#endif
           fi;
           n++;
           if
           :: n == DEATHS -> n = 0; break
           :: else
           fi
       }
#ifndef AFTER_DEATH
    :: atomic { n < DEATHS -> n = 0; break }
#endif
    od
}
#endif
