/* Writes its state and never looks whether it could. */
#define ON_CREATE                                                                                  \
    char path[4096];                                                                               \
    snprintf(path, sizeof path, "%.*s/state", (int)host->data_dir.size, host->data_dir.data);      \
    FILE* state = fopen(path, "w");                                                                \
    if (!state) abort();                                                                           \
    fclose(state)
#include "good.h"
