/* States facts that a static analyzer cannot see because it looks at one file at a time, most often that a check in
 * another file has refused NULL. Only `make lint` defines CNN__LINT; in every other build the macro expands to
 * nothing and checks nothing. */
#ifndef CNN_BASE_KNOWN_H
#define CNN_BASE_KNOWN_H

#ifdef CNN__LINT
#define CNN__KNOWN(condition) ((condition) ? (void)0 : __builtin_unreachable())
#else
#define CNN__KNOWN(condition) ((void)0)
#endif

#endif
