/* Puts its process into its name. */
#define ON_DESCRIBE                                                                                \
    char mine[sizeof kDescription];                                                                \
    memcpy(mine, kDescription, sizeof mine);                                                       \
    number_the_name(mine);                                                                         \
    return answer(out, RG_OK, mine)
static void number_the_name(char* text);
#include "good.h"

static void number_the_name(char* text)
{
    char* at = strstr(text, "broken plugin");
    for (int pid = (int)getpid(), digit = 0; digit < 6; ++digit, pid /= 10)
        at[digit] = (char)('0' + pid % 10);
}
