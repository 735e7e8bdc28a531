/* Leaves its log beside the directory of its run. */
#define ON_RUN                                                                                     \
    char path[4096];                                                                               \
    snprintf(path, sizeof path, "%.*s/../run.log", (int)job->work_dir.size, job->work_dir.data);   \
    FILE* log = fopen(path, "a");                                                                  \
    if (log) fclose(log)
#include "good.h"
