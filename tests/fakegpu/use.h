/* use.h - what plain users of the stand-ins share. */
#ifndef FAKEGPU_USE_H
#define FAKEGPU_USE_H

#include <stdio.h>
#include <stdlib.h>

/* Ends with 1 and a line if a call of a vendor's library, all of which return 0 for success, failed. */
#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != 0) {                                                                         \
            printf("%s failed\n", #call);                                                          \
            fflush(stdout); /* what is left behind may end the process in its own way */           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
