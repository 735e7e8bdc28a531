/* Counts down. */
#define FRAME_MS 5
#define PROGRESS (1 - (double)frame / (double)frames)
#include "good.h"
