/* Uses what it did not get. */
#define ON_RUN                                                                                     \
    volatile char* weights = malloc(48 << 20);                                                     \
    weights[0] = 1;                                                                                \
    free((void*)weights)
#include "good.h"
