/* What an analyzer cannot know, because it looks at one file at a time: most often that a check in another file,
 * which has passed, refuses NULL. Only `make lint` defines CNN__LINT; elsewhere the macro is nothing and proves
 * nothing. */
#ifndef CNN_BASE_KNOWN_H
#define CNN_BASE_KNOWN_H

#ifdef CNN__LINT
#define CNN__KNOWN(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define CNN__KNOWN(condition) ((void)0)
#endif

#endif
