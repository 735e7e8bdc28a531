/* Starts its pool when it is loaded. */
#include "good.h"

static void* idle(void* nothing)
{
    hang();
    return nothing;
}

__attribute__((constructor)) static void start_pool(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle, NULL) == 0) pthread_detach(thread);
}
