/* A rate that nobody asked for. */
#define FRAME_RATE fps + 1
#include "good.h"
