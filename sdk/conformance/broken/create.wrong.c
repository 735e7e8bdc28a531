/* Believes that a text is a text. */
#define ON_CREATE                                                                                  \
    const char* style = memmem(config.data, config.size, "\"style\":", 8);                         \
    if (style && style[8] != 34) abort() /* 34: a quote */
#include "good.h"
