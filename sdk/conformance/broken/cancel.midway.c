/* Deaf once it has begun. */
#define CONCURRENCY "1"
#define FRAME_MS 15
#define OBEYS (frame == 0)
#include "good.h"
