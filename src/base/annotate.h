/* What atomic variables mean, told to Helgrind, which sees locks but not memory orders: accesses to them are no
 * races, and they order what was written before against what is read after. Only `make check-helgrind` defines
 * CNN_HELGRIND; in every other build nothing of this exists. */
#ifndef CNN_BASE_ANNOTATE_H
#define CNN_BASE_ANNOTATE_H

#ifdef CNN_HELGRIND
#include <valgrind/helgrind.h>
#define CNN__ATOMIC(place) VALGRIND_HG_DISABLE_CHECKING((place), sizeof *(place))
#define CNN__HAPPENS_BEFORE(place) ANNOTATE_HAPPENS_BEFORE(place)
#define CNN__HAPPENS_AFTER(place) ANNOTATE_HAPPENS_AFTER(place)
#else
#define CNN__ATOMIC(place) ((void)(place))
#define CNN__HAPPENS_BEFORE(place) ((void)(place))
#define CNN__HAPPENS_AFTER(place) ((void)(place))
#endif

#endif
