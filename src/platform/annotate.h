/* Annotations that tell Helgrind what atomic variables mean. Helgrind sees locks but not memory orders, and has to
 * be told that accesses to these variables are not races and that they order earlier writes before later reads. Only
 * `make check-helgrind` defines CNN_HELGRIND; in every other build the macros expand to nothing. */
#ifndef CNN_PLATFORM_ANNOTATE_H
#define CNN_PLATFORM_ANNOTATE_H

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
