/* Its default does not fit its own schema. */
#define CONFIG "\"steps\": {\"type\": \"integer\", \"minimum\": 1, \"default\": 0}"
#include "good.h"
