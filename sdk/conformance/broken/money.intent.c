/* Submits first and says so later. */
#define BILLING "paid"
#define INTENDS 1
#include "good.h"
