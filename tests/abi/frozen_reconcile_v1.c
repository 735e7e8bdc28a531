/* reelgate.reconcile/1, which came after 1.0: what has been published of it does not move. */
#include <reelgate/ext/reconcile.h>

#include <stddef.h>

#define AT(type, member, offset)                                                                   \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " has moved")
#define IS(type, member, declared)                                                                 \
    _Static_assert(_Generic(((type*)0)->member, declared : 1, default : 0),                        \
                   #type "." #member " has another type")

_Static_assert(sizeof(RG_EXT_RECONCILE) == sizeof("reelgate.reconcile/1"), "renamed");
_Static_assert(sizeof(rg_reconcile) == 16, "rg_reconcile has another size");
AT(rg_reconcile, struct_size, 0);
IS(rg_reconcile, struct_size, uint32_t);
AT(rg_reconcile, reserved, 4);
IS(rg_reconcile, reserved, uint32_t);
AT(rg_reconcile, find, 8);
IS(rg_reconcile, find, rg_status (*)(void*, rg_bytes, const rg_sink*));
