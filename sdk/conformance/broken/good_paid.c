/* Nothing is wrong with it, and it costs money. */
#define BILLING "paid"
#include "good.h"
